//! Checking a collection against itself and against what lies beside it.
