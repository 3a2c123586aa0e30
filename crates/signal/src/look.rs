//! What a picture looks like: brightness, contrast, saturation and named colours.

use omnivale_timeline::Time;
use serde::{Deserialize, Serialize};

use crate::small_picture::{SmallPicture, grey};

/// A named colour of the fixed palette. Limits are in HSV; saturation and value are given in per cent
/// of 255, hue in degrees. The first description that fits wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedColour {
    /// Value below 18 %.
    Black,
    /// Saturation below 15 %, value from 82 %.
    White,
    /// Saturation below 15 %.
    Grey,
    /// Hue from 344 to 16.
    Red,
    /// Hue from 16 to 44.
    Orange,
    /// Hue from 44 to 70.
    Yellow,
    /// Hue from 70 to 160.
    Green,
    /// Hue from 160 to 200: cyan and teal.
    Teal,
    /// Hue from 200 to 254.
    Blue,
    /// Hue from 254 to 294.
    Purple,
    /// Hue from 294 to 344, and reds of saturation below 50 % and value from 60 %.
    Pink,
    /// Hue from 8 to 50 with value below 60 %.
    Brown,
}

impl NamedColour {
    /// The palette, in order.
    pub const ALL: [NamedColour; 12] = [
        NamedColour::Black,
        NamedColour::White,
        NamedColour::Grey,
        NamedColour::Red,
        NamedColour::Orange,
        NamedColour::Yellow,
        NamedColour::Green,
        NamedColour::Teal,
        NamedColour::Blue,
        NamedColour::Purple,
        NamedColour::Pink,
        NamedColour::Brown,
    ];

    /// The word for it, in lower case.
    pub fn word(self) -> &'static str {
        match self {
            NamedColour::Black => "black",
            NamedColour::White => "white",
            NamedColour::Grey => "grey",
            NamedColour::Red => "red",
            NamedColour::Orange => "orange",
            NamedColour::Yellow => "yellow",
            NamedColour::Green => "green",
            NamedColour::Teal => "teal",
            NamedColour::Blue => "blue",
            NamedColour::Purple => "purple",
            NamedColour::Pink => "pink",
            NamedColour::Brown => "brown",
        }
    }
}

/// One picture's look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub time: Time,
    /// Mean luma (BT.601 weights), in [0, 1].
    pub brightness: f32,
    /// Standard deviation of luma, in [0, 0.5].
    pub contrast: f32,
    /// Mean saturation weighted by value, in [0, 1]: black pixels have no say.
    pub saturation: f32,
    /// Share of the pixels of each [`NamedColour`], in the order of [`NamedColour::ALL`]; they add up to 1.
    pub colours: [f32; 12],
}

/// Black up to this value.
const BLACK_BELOW: u8 = 46;
/// Without colour up to this saturation.
const GREY_BELOW: u8 = 38;
/// White from this value on, if without colour.
const WHITE_FROM: u8 = 209;

impl NamedColour {
    /// The name of an HSV colour: hue in 0..180, saturation and value in 0..=255.
    pub fn of(hue: u8, saturation: u8, value: u8) -> NamedColour {
        match (hue, saturation, value) {
            (_, _, ..BLACK_BELOW) => NamedColour::Black,
            (_, ..GREY_BELOW, WHITE_FROM..) => NamedColour::White,
            (_, ..GREY_BELOW, _) => NamedColour::Grey,
            (4..25, _, ..153) => NamedColour::Brown,
            (0..8 | 172.., ..128, 153..) => NamedColour::Pink,
            (0..8 | 172.., ..) => NamedColour::Red,
            (8..22, ..) => NamedColour::Orange,
            (22..35, ..) => NamedColour::Yellow,
            (35..80, ..) => NamedColour::Green,
            (80..100, ..) => NamedColour::Teal,
            (100..127, ..) => NamedColour::Blue,
            (127..147, ..) => NamedColour::Purple,
            (147..172, ..) => NamedColour::Pink,
        }
    }
}

impl Look {
    /// The look of a picture whose hue, saturation and value planes are `hsv`. Every other pixel of
    /// every other row is read.
    pub fn of(picture: &SmallPicture, [hue, saturation, value]: [&[u8]; 3]) -> Look {
        let [blue, green, red] = picture.planes();
        let width = picture.width().max(1);
        let (mut luma_sum, mut luma_squares, mut count) = (0u64, 0u64, 0u64);
        let (mut saturation_sum, mut value_sum) = (0u64, 0u64);
        let mut counts = [0u32; 12];
        for row in (0..picture.height()).step_by(2) {
            for at in (row * width..(row + 1) * width).step_by(2) {
                let grey = u64::from(grey(blue[at], green[at], red[at]));
                luma_sum += grey;
                luma_squares += grey * grey;
                saturation_sum += u64::from(saturation[at]) * u64::from(value[at]);
                value_sum += u64::from(value[at]);
                counts[NamedColour::of(hue[at], saturation[at], value[at]) as usize] += 1;
                count += 1;
            }
        }
        let count = count.max(1) as f64;
        let mean = luma_sum as f64 / count;
        let variance = (luma_squares as f64 / count - mean * mean).max(0.0);
        let saturation = saturation_sum as f64 / value_sum.max(1) as f64;
        Look {
            time: picture.time,
            brightness: (mean / 255.0) as f32,
            contrast: (variance.sqrt() / 255.0) as f32,
            saturation: (saturation / 255.0) as f32,
            colours: counts.map(|n| (f64::from(n) / count) as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use omnivale_timeline::Time;

    use super::*;
    use crate::hsv::pixel;

    fn name(red: u8, green: u8, blue: u8) -> &'static str {
        let [hue, saturation, value] = pixel(blue, green, red);
        NamedColour::of(hue, saturation, value).word()
    }

    #[test]
    fn everyday_colours_get_their_names() {
        assert_eq!(name(0, 0, 0), "black");
        assert_eq!(name(250, 250, 250), "white");
        assert_eq!(name(128, 128, 128), "grey");
        assert_eq!(name(220, 20, 30), "red");
        assert_eq!(name(255, 140, 0), "orange");
        assert_eq!(name(255, 230, 40), "yellow");
        assert_eq!(name(40, 160, 60), "green");
        assert_eq!(name(0, 150, 150), "teal");
        assert_eq!(name(30, 80, 220), "blue");
        assert_eq!(name(110, 40, 190), "purple");
        assert_eq!(name(255, 105, 180), "pink");
        assert_eq!(name(255, 182, 193), "pink");
        assert_eq!(name(120, 72, 30), "brown");
    }

    #[test]
    fn half_black_half_white() {
        let mut picture = SmallPicture::black(Time::ZERO, 0, 16, 8);
        for plane in picture.planes_mut() {
            plane[64..].fill(255);
        }
        let (hue, saturation) = ([0; 128], [0; 128]);
        let value = picture.planes()[0].to_vec();
        let look = Look::of(&picture, [&hue, &saturation, &value]);
        assert_eq!((look.brightness, look.contrast, look.saturation), (0.5, 0.5, 0.0));
        assert_eq!((look.colours[0], look.colours[1]), (0.5, 0.5));
    }
}
