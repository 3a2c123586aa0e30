//! oneDNN.

use candle_core::{Result, Tensor};

use crate::product::Whole;

#[derive(Debug)]
pub(crate) struct Weight;

impl Weight {
    pub(crate) fn new(_: &Tensor) -> Result<Option<Self>> {
        Ok(None)
    }
    pub(crate) fn value(&self, _: usize, _: usize) -> f32 {
        0.0
    }
}

pub(crate) fn library() -> std::result::Result<(), String> {
    Err("it is not here yet".to_owned())
}

pub(crate) fn product(_: &Whole<'_>) -> Result<()> {
    Ok(())
}
