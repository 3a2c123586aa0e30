//! A machine that reads the pickles PyTorch writes, and can do nothing else.
//!
//! A pickle is a program for a stack machine, and the one in Python calls any function the program names. This one
//! knows numbers, texts, plain containers and four names: `collections.OrderedDict`,
//! `torch._utils._rebuild_tensor_v2`, `torch._utils._rebuild_parameter` and `torch.…Storage`. It only notes what they
//! were given. Training scripts also save a score beside the weights as a number of numpy's (CLAP's published file
//! does); its three names are known and their values passed over, as [`Node::Foreign`]. Every other name is an error.
//! Memory is bounded by [`OPERATIONS`]; nothing recurses, since values refer to each other by number and may even do
//! so in circles.

use std::collections::BTreeMap;

use crate::Kind;

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
    let mut machine = Machine {
        bytes,
        at: 0,
        start: 0,
        left: OPERATIONS,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: BTreeMap::new(),
    };
    loop {
        machine.start = machine.at;
        machine.spend(1)?;
        if let Some(root) = machine.step()? {
            return Ok(Pickle { nodes: machine.nodes, root, length: machine.at });
        }
    }
}

struct Machine<'p> {
    bytes: &'p [u8],
    at: usize,
    /// Where the operation at hand begins.
    start: usize,
    /// Operations that may still be done.
    left: usize,
    nodes: Vec<Node<'p>>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Id>,
}

impl<'p> Machine<'p> {
    /// One operation; the root at the end.
    fn step(&mut self) -> Result<Option<Id>, PickleError> {
        let operation = self.byte()?;
        match operation {
            b'.' => return self.pop().map(Some),
            0x80 => {
                let version = self.byte()?;
                if !(2..=5).contains(&version) {
                    return Err(
                        self.malformed(format!("pickle protocol {version} instead of 2 to 5"))
                    );
                }
            }
            // The length of a frame: a hint for buffering.
            0x95 => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'N' => self.push(Node::None),
            0x88 => self.push(Node::Bool(true)),
            0x89 => self.push(Node::Bool(false)),
            b'K' => {
                let value = self.byte()?;
                self.push(Node::Int(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?);
                self.push(Node::Int(value.into()));
            }
            b'J' => {
                let value = i32::from_le_bytes(self.array()?);
                self.push(Node::Int(value.into()));
            }
            0x8a => self.long()?,
            b'G' => {
                let value = f64::from_be_bytes(self.array()?);
                self.push(Node::Float(value));
            }
            0x8c | b'U' => {
                let length = self.byte()?;
                self.text(length.into())?;
            }
            b'X' | b'T' => {
                let length = u32::from_le_bytes(self.array()?);
                self.text(length.into())?;
            }
            0x8d => {
                let length = u64::from_le_bytes(self.array()?);
                self.text(length)?;
            }
            b'C' => {
                let length = self.byte()?;
                let bytes = self.take(length.into())?;
                self.push(Node::Bytes(bytes));
            }
            b'B' => {
                let length = u32::from_le_bytes(self.array()?);
                let bytes = self.take(length.into())?;
                self.push(Node::Bytes(bytes));
            }
            b'}' => self.push(Node::Dict(Vec::new())),
            b']' | b')' => self.push(Node::List(Vec::new())),
            0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0x84..operation {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.push(Node::List(items));
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Node::List(items));
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set(&items)?;
            }
            b'q' => {
                let index = self.byte()?;
                self.remember(index.into())?;
            }
            b'r' => {
                let index = u32::from_le_bytes(self.array()?);
                self.remember(index)?;
            }
            0x94 => self.remember(self.memo.len() as u32)?,
            b'h' => {
                let index = self.byte()?;
                self.recall(index.into())?;
            }
            b'j' => {
                let index = u32::from_le_bytes(self.array()?);
                self.recall(index)?;
            }
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.class(module, name)?;
            }
            0x93 => {
                let name = self.pop_text("the name of a global")?;
                let module = self.pop_text("the module of a global")?;
                self.class(module.as_bytes(), name.as_bytes())?;
            }
            b'Q' => self.storage()?,
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            other => {
                return Err(
                    self.malformed(format!("operation {other:#04x} is none that tensors need"))
                );
            }
        }
        Ok(None)
    }

    fn malformed(&self, found: String) -> PickleError {
        PickleError::Malformed { offset: self.start, found }
    }

    /// Counts operations, and copies of values, which a short pickle could ask for again and again.
    fn spend(&mut self, operations: usize) -> Result<(), PickleError> {
        let left = self.left.checked_sub(operations);
        self.left = left.ok_or_else(|| {
            self.malformed(format!(
                "more than {OPERATIONS} operations: no list of tensors is that long"
            ))
        })?;
        Ok(())
    }

    fn take(&mut self, length: u64) -> Result<&'p [u8], PickleError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let taken = taken.ok_or(PickleError::CutOff(self.bytes.len()))?;
        self.at += taken.len();
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, PickleError> {
        Ok(self.array::<1>()?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let taken = self.take(N as u64)?;
        taken.try_into().map_err(|_| PickleError::CutOff(self.at))
    }

    fn line(&mut self) -> Result<&'p [u8], PickleError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or(PickleError::CutOff(self.bytes.len()))?;
        self.at += end + 1;
        Ok(&rest[..end])
    }

    fn push(&mut self, node: Node<'p>) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn pop(&mut self) -> Result<Id, PickleError> {
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err(self.malformed("takes a value where there is none".to_owned()));
        }
        self.stack.pop().ok_or_else(|| self.malformed("the stack is empty".to_owned()))
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => Err(self.malformed("takes values back to a mark that is not there".to_owned())),
        }
    }

    /// The value on top, which stays there.
    fn top(&self) -> Result<Id, PickleError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let top = self.stack.last().filter(|_| self.stack.len() > floor);
        top.copied()
            .ok_or_else(|| self.malformed("looks at a value where there is none".to_owned()))
    }

    fn text(&mut self, length: u64) -> Result<(), PickleError> {
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes)
            .map_err(|_| self.malformed("a text is not UTF-8".to_owned()))?;
        self.push(Node::Text(text));
        Ok(())
    }

    fn long(&mut self) -> Result<(), PickleError> {
        let length = self.byte()?;
        let bytes = self.take(length.into())?;
        let node = if bytes.len() <= 8 {
            let fill = if bytes.last().is_some_and(|byte| *byte >= 0x80) { 0xff } else { 0 };
            let mut wide = [fill; 8];
            wide[..bytes.len()].copy_from_slice(bytes);
            Node::Int(i64::from_le_bytes(wide))
        } else {
            Node::Large(bytes)
        };
        self.push(node);
        Ok(())
    }

    fn append(&mut self, items: &[Id]) -> Result<(), PickleError> {
        let top = self.top()?;
        let Node::List(list) = &mut self.nodes[top] else {
            return Err(self.malformed("appends to what is not a list".to_owned()));
        };
        list.extend_from_slice(items);
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), PickleError> {
        let top = self.top()?;
        let (pairs, rest) = items.as_chunks::<2>();
        let Node::Dict(dict) = &mut self.nodes[top] else {
            return Err(self.malformed("sets entries of what is not a dictionary".to_owned()));
        };
        if !rest.is_empty() {
            return Err(self.malformed("a key without a value".to_owned()));
        }
        dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }

    fn remember(&mut self, index: u32) -> Result<(), PickleError> {
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Result<(), PickleError> {
        let found = self.memo.get(&index).copied();
        let found =
            found.ok_or_else(|| self.malformed(format!("recalls value {index}, never kept")))?;
        self.stack.push(found);
        Ok(())
    }

    fn pop_text(&mut self, what: &str) -> Result<&'p str, PickleError> {
        let id = self.pop()?;
        match self.nodes[id] {
            Node::Text(text) => Ok(text),
            _ => Err(self.malformed(format!("{what} is not a text"))),
        }
    }

    fn class(&mut self, module: &[u8], name: &[u8]) -> Result<(), PickleError> {
        let storage = || {
            let name = std::str::from_utf8(name).ok()?;
            Kind::of_torch_storage(name).map(Class::Storage)
        };
        let class = match (module, name) {
            (b"collections", b"OrderedDict") => Some(Class::OrderedDict),
            (b"torch._utils", b"_rebuild_tensor_v2") => Some(Class::RebuildTensor),
            (b"torch._utils", b"_rebuild_parameter") => Some(Class::RebuildParameter),
            (b"torch", _) => storage(),
            (b"numpy", b"dtype") => Some(Class::NumpyKind),
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"scalar") => {
                Some(Class::NumpyNumber)
            }
            (b"_codecs", b"encode") => Some(Class::Encoded),
            _ => None,
        };
        let Some(class) = class else {
            // Cut short: the name is the file's, and goes into a message.
            let shown = |name: &[u8]| name[..name.len().min(80)].escape_ascii().to_string();
            let global = format!("{}.{}", shown(module), shown(name));
            return Err(PickleError::Global { offset: self.start, global });
        };
        self.push(Node::Class(class));
        Ok(())
    }

    /// `("storage", class, key, device, number of values)`, and in older files what part of another storage it is.
    fn storage(&mut self) -> Result<(), PickleError> {
        let id = self.pop()?;
        let Node::List(items) = &self.nodes[id] else {
            return Err(self.malformed("a storage is not told as a tuple".to_owned()));
        };
        let told: Vec<_> = items.iter().take(7).map(|item| &self.nodes[*item]).collect();
        let storage = match told[..] {
            [
                Node::Text("storage"),
                Node::Class(Class::Storage(kind)),
                Node::Text(key),
                Node::Text(_),
                Node::Int(values),
                ref rest @ ..,
            ] if matches!(rest, [] | [Node::None]) && *values >= 0 => {
                Storage { key, kind: *kind, values: values.cast_unsigned() }
            }
            _ => {
                return Err(
                    self.malformed("a storage is told in a form PyTorch does not write".to_owned())
                );
            }
        };
        self.push(Node::Storage(storage));
        Ok(())
    }

    /// Notes a call.
    fn reduce(&mut self) -> Result<(), PickleError> {
        let arguments = self.pop()?;
        let callee = self.pop()?;
        let Node::List(arguments) = &self.nodes[arguments] else {
            return Err(self.malformed("the arguments of a call are not a tuple".to_owned()));
        };
        match (&self.nodes[callee], arguments.as_slice()) {
            (Node::Class(Class::OrderedDict), []) => self.push(Node::Dict(Vec::new())),
            (Node::Class(Class::OrderedDict), [pairs]) => {
                let pairs = self.pairs(*pairs)?;
                self.spend(pairs.len())?;
                self.push(Node::Dict(pairs));
            }
            (Node::Class(Class::RebuildTensor), [storage, offset, shape, stride, ..])
                if matches!(self.nodes[*storage], Node::Storage(_)) =>
            {
                let tensor = TensorNode {
                    storage: *storage,
                    offset: self.count(*offset)? as u64,
                    shape: self.counts(*shape)?,
                    stride: self.counts(*stride)?,
                };
                self.spend(tensor.shape.len() + tensor.stride.len())?;
                self.push(Node::Tensor(Box::new(tensor)));
            }
            (Node::Class(Class::RebuildParameter), [tensor, ..])
                if matches!(self.nodes[*tensor], Node::Tensor(_)) =>
            {
                let tensor = *tensor;
                self.stack.push(tensor);
            }
            (Node::Class(Class::NumpyKind | Class::NumpyNumber | Class::Encoded), _) => {
                self.push(Node::Foreign);
            }
            _ => return Err(self.malformed("a call with arguments it does not take".to_owned())),
        }
        Ok(())
    }

    /// The attributes of an ordered dictionary, where PyTorch keeps the versions of a model's parts, or of a number's
    /// kind: no tensor depends on them.
    fn build(&mut self) -> Result<(), PickleError> {
        self.pop()?;
        let top = self.top()?;
        match self.nodes[top] {
            Node::Dict(_) | Node::Foreign => Ok(()),
            _ => Err(self.malformed("sets attributes of what has none".to_owned())),
        }
    }

    /// The entries that an ordered dictionary is made of, as Python 2 wrote them: a list of pairs.
    fn pairs(&self, id: Id) -> Result<Vec<(Id, Id)>, PickleError> {
        let wrong = || self.malformed("a dictionary is made of what are not pairs".to_owned());
        let Node::List(items) = &self.nodes[id] else { return Err(wrong()) };
        if items.len() > self.left {
            return Err(wrong());
        }
        let pair = |item: &Id| match &self.nodes[*item] {
            Node::List(pair) => {
                pair.as_slice().try_into().ok().map(|[key, value]: [Id; 2]| (key, value))
            }
            _ => None,
        };
        items.iter().map(|item| pair(item).ok_or_else(wrong)).collect()
    }

    fn count(&self, id: Id) -> Result<usize, PickleError> {
        match self.nodes[id] {
            Node::Int(value) => usize::try_from(value).ok(),
            _ => None,
        }
        .ok_or_else(|| self.malformed("a count is not a whole number from 0 up".to_owned()))
    }

    fn counts(&self, id: Id) -> Result<Vec<usize>, PickleError> {
        /// PyTorch itself stops at 64 axes.
        const AXES: usize = 64;
        match &self.nodes[id] {
            Node::List(items) if items.len() <= AXES => {
                items.iter().map(|item| self.count(*item)).collect()
            }
            _ => Err(self.malformed(format!("a shape is not a tuple of at most {AXES} numbers"))),
        }
    }
}

#[cfg(test)]
mod tests;
