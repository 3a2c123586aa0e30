//! Taking a model's tensors, and knowing afterwards what did not fit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Tensor};

use crate::LayoutReport;
use crate::WeightsError;
use crate::gguf::BlockKind;
use crate::{Kind, Rows, Weights};

/// The tensors whose names begin with a prefix, converted to one number format and brought to one device as they are
/// taken.
///
/// A tensor that is missing or of another shape does not stop the taking: a stand-in that takes no memory is given,
/// and [`finish`](Self::finish) reports all of them together.
#[derive(Clone, Debug)]
pub struct View<'w> {
    weights: &'w Weights,
    /// Empty, or ending in a dot.
    prefix: String,
    dtype: DType,
    products: DType,
    device: Device,
    ledger: Arc<Mutex<Ledger>>,
}

/// What was taken through a view and all views made of it.
#[derive(Debug, Default)]
struct Ledger {
    known: BTreeSet<String>,
    /// Prefixes of names that the model does not use.
    unused: Vec<String>,
    report: LayoutReport,
}

impl<'w> View<'w> {
    pub(super) fn new(weights: &'w Weights, dtype: DType) -> Self {
        Self {
            weights,
            prefix: String::new(),
            dtype,
            products: dtype,
            device: Device::Cpu,
            ledger: Arc::default(),
        }
    }

    /// The same view for a model that multiplies its matrices in another number format than the rest.
    #[must_use]
    pub fn with_products(self, products: DType) -> Self {
        Self { products, ..self }
    }

    /// The number format in which the model is to multiply its matrices; tensors are taken in the view's own.
    #[must_use]
    pub fn products(&self) -> DType {
        self.products
    }

    /// The same view for a model that computes on another device than the processor.
    #[must_use]
    pub fn on(self, device: &Device) -> Self {
        Self { device: device.clone(), ..self }
    }

    /// Where tensors are brought to.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The view of what is under `name`, as in `at("encoder.layer.0")`.
    #[must_use]
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        Self { prefix: format!("{}{name}.", self.prefix), ..self.clone() }
    }

    /// Whether there is a tensor of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.weights.shape(&format!("{}{name}", self.prefix)).is_some()
    }

    /// Takes the tensor `name`, which the model needs in this shape.
    ///
    /// # Errors
    /// When its file cannot be read. That it is not there or of another shape is told by
    /// [`finish`](Self::finish); until then a tensor of zeros stands in.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, WeightsError> {
        let name = format!("{}{name}", self.prefix);
        let problem = match (self.weights.shape(&name), self.weights.kind(&name)) {
            (Some(found), Some(kind)) => {
                if found != shape {
                    Some(format!("{name} is {found:?} instead of {shape:?}"))
                } else if self.dtype.is_float() && !is_float(kind) {
                    Some(format!("{name} has whole numbers instead of fractions"))
                } else {
                    None
                }
            }
            _ => {
                self.with(|ledger| ledger.report.missing.push(name));
                return self.stand_in(shape);
            }
        };
        self.with(|ledger| ledger.known.insert(name.clone()));
        match problem {
            None => {
                let tensor = match (self.weights.rows(&name)?, BlockKind::of_weights(self.dtype)) {
                    (Some(rows), Some(kind)) => rows.tensor(kind, shape)?,
                    _ => self.weights.tensor(&name)?.to_dtype(self.dtype)?,
                };
                Ok(tensor.to_device(&self.device)?)
            }
            Some(problem) => {
                self.with(|ledger| ledger.report.different.push(problem));
                self.stand_in(shape)
            }
        }
    }

    /// Takes the weight `name` of a linear layer, which the model needs in this shape, as rows that are read in the
    /// format of [`products`](Self::products) when they are packed. `None` where that cannot be, and it is to be taken
    /// as a [`tensor`](Self::tensor): on another device than the processor, in a shape that it does not have, or where
    /// it is no matrix of fractions that lies row after row.
    ///
    /// # Errors
    /// When its file cannot be opened.
    pub fn rows(&self, name: &str, shape: &[usize]) -> Result<Option<Rows>, WeightsError> {
        let name = format!("{}{name}", self.prefix);
        let as_it_is = self.device.is_cpu() && self.dtype == DType::F32;
        if !as_it_is || self.weights.shape(&name) != Some(shape) {
            return Ok(None);
        }
        let rows = self.weights.rows(&name)?;
        if rows.is_some() {
            self.with(|ledger| ledger.known.insert(name));
        }
        Ok(rows)
    }

    /// Declares that the model does not use names that begin so, which would otherwise be reported as left over.
    pub fn leave(&self, beginning: &str) {
        let beginning = format!("{}{beginning}", self.prefix);
        self.with(|ledger| ledger.unused.push(beginning));
    }

    /// Checks that every tensor asked for was there in its shape, and that none under this view is left over.
    ///
    /// # Errors
    /// [`WeightsError::Layout`] with all that differs.
    pub fn finish(&self) -> Result<(), WeightsError> {
        let report = self.with(|ledger| {
            let left = |name: &&str| {
                name.starts_with(&self.prefix)
                    && !ledger.known.contains(*name)
                    && !ledger.unused.iter().any(|beginning| name.starts_with(beginning.as_str()))
            };
            let extra = self.weights.names().filter(left).map(str::to_owned).collect();
            LayoutReport { extra, ..ledger.report.clone() }
        });
        if report.is_empty() {
            return Ok(());
        }
        Err(WeightsError::Layout { path: self.weights.path().to_owned(), report })
    }

    /// Zeros of this shape, all of them the same value in memory.
    fn stand_in(&self, shape: &[usize]) -> Result<Tensor, WeightsError> {
        Ok(Tensor::zeros((), self.dtype, &self.device)?.broadcast_as(shape)?)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Ledger) -> T) -> T {
        // Each act is one insertion or one look: a panic elsewhere leaves nothing half done.
        act(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn is_float(kind: Kind) -> bool {
    matches!(kind, Kind::F64 | Kind::F32 | Kind::F16 | Kind::Bf16)
}
