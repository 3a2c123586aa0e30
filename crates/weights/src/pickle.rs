//! A machine that reads the pickles PyTorch writes, and can do nothing else.
//!
//! A pickle is a program for a stack machine, and the one in Python calls any function the program names. This one
//! knows numbers, texts, plain containers and four names: `collections.OrderedDict`,
//! `torch._utils._rebuild_tensor_v2`, `torch._utils._rebuild_parameter` and `torch.…Storage`. It only notes what they
//! were given. Training scripts also save a score beside the weights as a number of numpy's (CLAP's published file
//! does); its three names are known and their values passed over, as [`Node::Foreign`]. Of a TorchScript program
//! (OpenAI's CLIP is published as one) the data are read and the code is not looked at: a class of it holds a
//! dictionary, [`Node::Module`]. Every other name is an error. Memory is bounded by [`OPERATIONS`]; nothing recurses,
//! since values refer to each other by number and may even do so in circles.

mod calls;
mod machine;

use crate::Kind;
use machine::Machine;

/// Most operations that a pickle may take: some 100,000 tensors.
pub const OPERATIONS: usize = 1 << 22;

/// Number of a value within its [`Pickle`].
pub type Id = usize;

/// One value of a pickle; texts and bytes are borrowed from it.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<'p> {
    /// `None`.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number of more than 64 bits: its bytes, little-endian, two's complement.
    Large(&'p [u8]),
    /// A number.
    Float(f64),
    /// A text.
    Text(&'p str),
    /// Bytes.
    Bytes(&'p [u8]),
    /// A tuple or a list.
    List(Vec<Id>),
    /// A dictionary, ordered or not, as it was filled.
    Dict(Vec<(Id, Id)>),
    /// One of the names that are known.
    Class(Class),
    /// A run of values that lies elsewhere in the file.
    Storage(Storage<'p>),
    /// A tensor within a storage.
    Tensor(Box<TensorNode>),
    /// A number of numpy's, or a part of one: no tensor depends on it, and nothing is kept of it.
    Foreign,
    /// A part of a TorchScript program, and the dictionary of what it holds once that was told.
    Module(Option<Id>),
}

/// The names a pickle may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch.FloatStorage` and the like.
    Storage(Kind),
    /// `numpy.dtype`: how a number of numpy's is written.
    NumpyKind,
    /// `numpy.core.multiarray.scalar`: a number of numpy's, of a kind and its bytes.
    NumpyNumber,
    /// `_codecs.encode`: those bytes, which protocol 2 has as a text.
    Encoded,
    /// A class of a TorchScript program, `__torch__.…`.
    Module,
    /// `torch.jit._pickle.restore_type_tag` or `build_intlist` and the like: says of what type its first argument is.
    Typed,
}

/// What a pickle says of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage<'p> {
    /// Its name in the file.
    pub key: &'p str,
    /// How its values are written.
    pub kind: Kind,
    /// How many values it has, as claimed.
    pub values: u64,
}

/// What a pickle says of a tensor; nothing of it is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorNode {
    /// Its [`Node::Storage`].
    pub storage: Id,
    /// Values before its first one.
    pub offset: u64,
    /// Values along each axis.
    pub shape: Vec<usize>,
    /// Values to step along each axis.
    pub stride: Vec<usize>,
}

/// A pickle that has been read.
#[derive(Debug)]
pub struct Pickle<'p> {
    /// All values, in the order of their making.
    pub nodes: Vec<Node<'p>>,
    /// The value that the pickle stands for.
    pub root: Id,
    /// Bytes of the input that belong to it.
    pub length: usize,
}

/// Why a pickle is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    /// The input ends before the pickle does.
    #[error("ends at byte {0}, in the middle of the pickle")]
    CutOff(usize),
    /// It names something that is not known.
    #[error("byte {offset} asks for {global}")]
    Global {
        /// Offset of the operation, in bytes.
        offset: usize,
        /// Module and name.
        global: String,
    },
    /// It is not a pickle, or of a kind that PyTorch does not write for tensors.
    #[error("byte {offset}: {found}")]
    Malformed {
        /// Offset of the operation, in bytes.
        offset: usize,
        /// What is wrong.
        found: String,
    },
}

/// Reads the pickle that `bytes` begins with; what follows it is not looked at.
///
/// # Errors
/// [`PickleError`], at the first operation that is not understood.
pub fn read(bytes: &[u8]) -> Result<Pickle<'_>, PickleError> {
    Machine::new(bytes).run()
}

#[cfg(test)]
mod tests;
