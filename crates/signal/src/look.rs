//! What a picture looks like: brightness, contrast, saturation and named colours.

use omnivale_timeline::Time;
use serde::{Deserialize, Serialize};

/// A named colour of the fixed palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedColour {
    /// Value below 18 %.
    Black,
    /// Saturation below 15 %, value above 80 %.
    White,
    /// Saturation below 15 %, value in between.
    Grey,
    /// Hue 345° to 15°.
    Red,
    /// Hue 15° to 45°, bright.
    Orange,
    /// Hue 45° to 70°.
    Yellow,
    /// Hue 70° to 160°.
    Green,
    /// Hue 160° to 200°.
    Teal,
    /// Hue 200° to 255°.
    Blue,
    /// Hue 255° to 295°.
    Purple,
    /// Hue 295° to 345°, and pale reds.
    Pink,
    /// Hue 15° to 45°, dark.
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
