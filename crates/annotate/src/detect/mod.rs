//! Where events begin and end, in one modality at a time and then across them.

pub mod audio;
pub mod omni;
pub mod visual;
