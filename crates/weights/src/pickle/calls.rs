//! The names a pickle may use, and what comes of calling them.

use super::machine::Machine;
use super::{Class, Id, Node, PickleError, Storage, TensorNode};
use crate::Kind;

impl<'p> Machine<'p> {
    pub(super) fn class(&mut self, module: &[u8], name: &[u8]) -> Result<(), PickleError> {
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
            (b"torch.jit._pickle", b"restore_type_tag") => Some(Class::Typed),
            (b"torch.jit._pickle", name) if name.starts_with(b"build_") => Some(Class::Typed),
            (module, _) if module == b"__torch__" || module.starts_with(b"__torch__.") => {
                Some(Class::Module)
            }
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
    pub(super) fn storage(&mut self) -> Result<(), PickleError> {
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
    pub(super) fn reduce(&mut self) -> Result<(), PickleError> {
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
            (Node::Class(Class::Typed), [value, ..]) => {
                let value = *value;
                self.stack.push(value);
            }
            _ => return Err(self.malformed("a call with arguments it does not take".to_owned())),
        }
        Ok(())
    }

    /// An object before it has anything: only those of TorchScript's are written so.
    pub(super) fn new_object(&mut self) -> Result<(), PickleError> {
        let arguments = self.pop()?;
        let class = self.pop()?;
        match (&self.nodes[class], &self.nodes[arguments]) {
            (Node::Class(Class::Module), Node::List(none)) if none.is_empty() => {
                self.push(Node::Module(None));
                Ok(())
            }
            _ => Err(self.malformed("makes an object that is no part of TorchScript's".to_owned())),
        }
    }

    /// What a module holds, which is kept; or the attributes of an ordered dictionary, where PyTorch keeps the versions
    /// of a model's parts, or of a number's kind: no tensor depends on those.
    pub(super) fn build(&mut self) -> Result<(), PickleError> {
        let state = self.pop()?;
        let top = self.top()?;
        match self.nodes[top] {
            Node::Dict(_) | Node::Foreign => Ok(()),
            Node::Module(None) if matches!(self.nodes[state], Node::Dict(_)) => {
                self.nodes[top] = Node::Module(Some(state));
                Ok(())
            }
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
