//! Functions of single values, on vectors: exponentials and what models put between their linear layers.

use candle_core::{Result, Tensor};

use crate::simd::Simd;

/// What stands after a linear layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `x / 2 (1 + erf(x / sqrt(2)))`.
    Gelu,
    /// `x / (1 + exp(-1.702 x))`.
    QuickGelu,
    /// `x / (1 + exp(-x))`.
    Silu,
}

/// `exp(x)` to 2e-7 of its value, from -87.3 (below: that of -87.3, 1e-38) to 88.
///
/// `2^n p(r)` with `r = x - n ln 2` in two parts (Cody and Waite 1980), `p` the sixth Taylor sum on `|r| <= ln 2 / 2`.
///
/// # Safety
/// As for [`Simd`].
#[inline(always)]
pub(crate) unsafe fn exp<S: Simd>(x: S::V) -> S::V {
    // SAFETY: the caller's promise.
    unsafe {
        // The vector comes second, so that what is not a number stays so.
        let x = S::min(S::splat(88.0), S::max(S::splat(-87.3), x));
        let n = S::round(S::mul(x, S::splat(std::f32::consts::LOG2_E)));
        let r = S::fma(n, S::splat(-0.693_359_4), x);
        let r = S::fma(n, S::splat(2.121_944_4e-4), r);
        let p = S::splat(1.0 / 720.0);
        let p = S::fma(p, r, S::splat(1.0 / 120.0));
        let p = S::fma(p, r, S::splat(1.0 / 24.0));
        let p = S::fma(p, r, S::splat(1.0 / 6.0));
        let p = S::fma(p, r, S::splat(0.5));
        let p = S::fma(p, r, S::splat(1.0));
        let p = S::fma(p, r, S::splat(1.0));
        S::mul(p, S::power_of_two(n))
    }
}

/// The error function, to 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26).
#[inline(always)]
unsafe fn erf<S: Simd>(x: S::V) -> S::V {
    // SAFETY: the caller's promise.
    unsafe {
        let away = S::abs(x);
        let one = S::splat(1.0);
        let t = S::div(one, S::fma(away, S::splat(0.327_591_1), one));
        let p = S::splat(1.061_405_4);
        let p = S::fma(p, t, S::splat(-1.453_152));
        let p = S::fma(p, t, S::splat(1.421_413_7));
        let p = S::fma(p, t, S::splat(-0.284_496_74));
        let p = S::fma(p, t, S::splat(0.254_829_6));
        let tail = exp::<S>(S::sub(S::splat(0.0), S::mul(x, x)));
        S::with_sign(S::sub(one, S::mul(S::mul(p, t), tail)), x)
    }
}

/// `x / (1 + exp(-steepness x))`.
#[inline(always)]
unsafe fn gated<S: Simd>(x: S::V, steepness: f32) -> S::V {
    // SAFETY: the caller's promise.
    unsafe { S::div(x, S::add(S::splat(1.0), exp::<S>(S::mul(x, S::splat(-steepness))))) }
}

impl Activation {
    /// The function, on a vector.
    ///
    /// # Safety
    /// As for [`Simd`].
    #[inline(always)]
    pub(crate) unsafe fn apply<S: Simd>(self, x: S::V) -> S::V {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Self::None => x,
                Self::Relu => S::max(S::splat(0.0), x),
                Self::Gelu => {
                    let root = S::splat(std::f32::consts::FRAC_1_SQRT_2);
                    let half = S::mul(x, S::splat(0.5));
                    S::fma(half, erf::<S>(S::mul(x, root)), half)
                }
                Self::QuickGelu => gated::<S>(x, 1.702),
                Self::Silu => gated::<S>(x, 1.0),
            }
        }
    }
}

impl Activation {
    /// The function by candle's operations, with a gradient.
    pub(crate) fn on_tensor(self, z: &Tensor) -> Result<Tensor> {
        match self {
            Self::None => Ok(z.clone()),
            // On the processor `relu` makes zero of what is no number.
            Self::Relu => z.maximum(0f32),
            Self::Gelu => z.gelu_erf(),
            Self::QuickGelu => z * sigmoid(&(z * 1.702)?)?,
            Self::Silu => z * sigmoid(z)?,
        }
    }

    /// Its derivative at `z`, f32.
    pub(crate) fn slope(self, z: &Tensor) -> Result<Tensor> {
        let gate = |steepness: f64| {
            let s = sigmoid(&(z * steepness)?)?;
            let rising = ((z * steepness)? * (1.0 - &s)?)?;
            s * (rising + 1.0)?
        };
        match self {
            Self::None => z.ones_like(),
            Self::Relu => z.gt(0f32)?.to_dtype(z.dtype()),
            Self::Gelu => {
                let below = ((z * std::f64::consts::FRAC_1_SQRT_2)?.erf()? * 0.5)? + 0.5;
                let bell = (z.sqr()? * -0.5)?.exp()?;
                let root = (std::f64::consts::TAU).sqrt().recip();
                below? + (z * (bell * root)?)?
            }
            Self::QuickGelu => gate(1.702),
            Self::Silu => gate(1.0),
        }
    }
}

fn sigmoid(x: &Tensor) -> Result<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
}
