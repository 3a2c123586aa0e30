//! Tests of whole pages.

use super::*;
