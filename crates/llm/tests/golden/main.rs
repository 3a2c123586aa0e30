//! The numeric and text fixtures of `golden/`, computed by the reference code.
//!
//! `OMNIVALE_GOLDEN` names the folder, else `../shared/golden` beside the workspace. A case that the
//! folder lacks says so and passes. The folder's README states tolerances: text and ids exact, tensors
//! 1e-4.

mod conversation;
mod interleave;
mod llama;
mod splice;
mod support;
