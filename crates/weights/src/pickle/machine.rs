//! The stack, the memo and the operations of a pickle; what it calls is in `calls`.

use std::collections::BTreeMap;

use super::{Id, Node, OPERATIONS, Pickle, PickleError};

pub(super) struct Machine<'p> {
    bytes: &'p [u8],
    at: usize,
    /// Where the operation at hand begins.
    pub(super) start: usize,
    /// Operations that may still be done.
    pub(super) left: usize,
    pub(super) nodes: Vec<Node<'p>>,
    pub(super) stack: Vec<Id>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Id>,
}

impl<'p> Machine<'p> {
    pub(super) fn new(bytes: &'p [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            start: 0,
            left: OPERATIONS,
            nodes: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: BTreeMap::new(),
        }
    }

    /// All operations up to the end.
    pub(super) fn run(mut self) -> Result<Pickle<'p>, PickleError> {
        loop {
            self.start = self.at;
            self.spend(1)?;
            if let Some(root) = self.step()? {
                return Ok(Pickle { nodes: self.nodes, root, length: self.at });
            }
        }
    }

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
            0x81 => self.new_object()?,
            b'b' => self.build()?,
            other => {
                return Err(
                    self.malformed(format!("operation {other:#04x} is none that tensors need"))
                );
            }
        }
        Ok(None)
    }

    pub(super) fn malformed(&self, found: String) -> PickleError {
        PickleError::Malformed { offset: self.start, found }
    }

    /// Counts operations, and copies of values, which a short pickle could ask for again and again.
    pub(super) fn spend(&mut self, operations: usize) -> Result<(), PickleError> {
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

    pub(super) fn push(&mut self, node: Node<'p>) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    pub(super) fn pop(&mut self) -> Result<Id, PickleError> {
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
    pub(super) fn top(&self) -> Result<Id, PickleError> {
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
}
