//! Pieces, their ids, and byte-pair merging.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::LlmError;

use super::TokenId;

/// What a piece is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A piece that merging makes.
    Normal,
    /// What stands for a character that nothing else can.
    Unknown,
    /// A mark (beginning, end) that has no text.
    Control,
    /// Text that is never cut (SentencePiece's user-defined symbols).
    Whole,
    /// One byte of a character that has no piece.
    Byte,
}

/// One entry of the vocabulary.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    /// As in the file: a space is `▁`, a byte `<0x0A>`.
    pub(super) text: String,
    pub(super) kind: Kind,
}

/// Which neighbours merge first; a lower rank comes first, then the one further left.
#[derive(Debug)]
pub(super) enum Merges {
    /// SentencePiece: any two neighbours whose joined text is a piece, by that piece's rank.
    Pieces(Vec<u32>),
    /// `tokenizer.json`: the pairs listed, by their place in the list. Each has its rank and the
    /// piece it makes.
    Pairs(HashMap<(TokenId, TokenId), (u32, TokenId)>),
}

impl Merges {
    /// Ranks of pieces with these scores: equal scores have equal ranks, the highest has rank 0.
    pub(super) fn of_scores(scores: &[f32]) -> Self {
        // Adding zero makes -0.0 equal to 0.0 under the total order too.
        let mut distinct: Vec<f32> = scores.iter().map(|score| score + 0.0).collect();
        distinct.sort_by(|a, b| b.total_cmp(a));
        distinct.dedup();
        let rank = |score: &f32| distinct.partition_point(|other| other > score) as u32;
        Self::Pieces(scores.iter().map(rank).collect())
    }
}

/// The pieces of a tokeniser and the way to cut a text into them.
#[derive(Debug)]
pub(super) struct Vocabulary {
    pieces: Vec<Piece>,
    /// Pieces that merging can make or that are never cut, by text.
    ids: HashMap<String, TokenId>,
    merges: Merges,
    /// The 256 byte pieces, where the tokeniser falls back to bytes.
    bytes: Option<Box<[TokenId; 256]>>,
    /// Distinct lengths in bytes of the pieces that are never cut, longest first.
    whole_lengths: Vec<usize>,
    pub(super) unknown: TokenId,
    pub(super) begin: TokenId,
    pub(super) end: TokenId,
}

/// A run of text on its way to becoming a piece.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    start: usize,
    /// Zero once it was merged into its left neighbour.
    length: usize,
    id: Option<TokenId>,
    previous: Option<usize>,
    next: Option<usize>,
    /// Never merged.
    whole: bool,
}

impl Vocabulary {
    /// Checks the pieces and indexes them; `specials` are the ids of unknown, beginning and end.
    pub(super) fn new(
        file: &str,
        pieces: Vec<Piece>,
        merges: Merges,
        byte_fallback: bool,
        specials: [u64; 3],
    ) -> Result<Self, LlmError> {
        let wrong = |at: String, expected: &str, found: String| {
            Err(LlmError::shape(file, at, expected, found))
        };
        if TokenId::try_from(pieces.len()).is_err() {
            return wrong("its end".into(), "fewer pieces", pieces.len().to_string());
        }
        let mut ids = HashMap::with_capacity(pieces.len());
        let mut bytes = [None; 256];
        let mut whole_lengths = Vec::new();
        for (id, piece) in (0_u32..).zip(&pieces) {
            match piece.kind {
                Kind::Byte => {
                    let Some(byte) = byte_of(&piece.text) else {
                        return wrong(
                            format!("piece {id}"),
                            "<0x00> to <0xFF>",
                            piece.text.clone(),
                        );
                    };
                    bytes[usize::from(byte)] = Some(id);
                    continue;
                }
                Kind::Unknown | Kind::Control => continue,
                Kind::Whole => whole_lengths.push(piece.text.len()),
                Kind::Normal => {}
            }
            if ids.insert(piece.text.clone(), id).is_some() {
                return wrong(format!("piece {id}"), "a new piece", piece.text.clone());
            }
        }
        whole_lengths.sort_unstable_by_key(|&length| Reverse(length));
        whole_lengths.dedup();
        let mut named = [0; 3];
        for (slot, (name, id)) in
            named.iter_mut().zip(["unknown", "beginning", "end"].into_iter().zip(specials))
        {
            let kind = usize::try_from(id).ok().and_then(|id| pieces.get(id)).map(|it| it.kind);
            if !matches!(kind, Some(Kind::Unknown | Kind::Control)) {
                let expected = format!("a mark for the {name}");
                return wrong(format!("piece {id}"), &expected, format!("{kind:?}"));
            }
            *slot = id as TokenId;
        }
        let bytes = if byte_fallback {
            let all: Option<Vec<TokenId>> = bytes.into_iter().collect();
            match all.map(<[TokenId; 256]>::try_from) {
                Some(Ok(all)) => Some(Box::new(all)),
                _ => return wrong("its pieces".into(), "256 byte pieces", "fewer".into()),
            }
        } else {
            None
        };
        let [unknown, begin, end] = named;
        Ok(Self { pieces, ids, merges, bytes, whole_lengths, unknown, begin, end })
    }

    /// Number of pieces.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// For each piece how early it is merged; what is never merged comes last. Where merging goes by pairs, the
    /// earliest pair that makes the piece.
    pub(super) fn ranks(&self) -> Vec<u32> {
        match &self.merges {
            Merges::Pieces(ranks) => ranks.clone(),
            Merges::Pairs(pairs) => {
                let mut made: Vec<(TokenId, u32)> =
                    pairs.values().map(|&(rank, id)| (id, rank)).collect();
                made.sort_unstable();
                made.dedup_by_key(|(id, _)| *id);
                let rank = |id| {
                    let place = made.binary_search_by_key(&id, |(id, _)| *id);
                    place.map_or(pairs.len() as u32, |place| made[place].1)
                };
                (0..self.pieces.len() as TokenId).map(rank).collect()
            }
        }
    }

    /// The piece with this id.
    pub(super) fn piece(&self, id: TokenId) -> Option<&Piece> {
        self.pieces.get(usize::try_from(id).ok()?)
    }

    /// The id of a piece by its text, if merging can make it.
    pub(super) fn id(&self, text: &str) -> Option<TokenId> {
        self.ids.get(text).copied()
    }

    /// The byte that a piece stands for, if it is one of the byte pieces.
    pub(super) fn byte(&self, id: TokenId) -> Option<u8> {
        self.piece(id).filter(|piece| piece.kind == Kind::Byte).and_then(|it| byte_of(&it.text))
    }

    /// Cuts a text whose spaces are already `▁` and appends its ids.
    pub(super) fn cut(&self, text: &str, ids: &mut Vec<TokenId>) {
        let mut symbols = self.symbols(text);
        self.merge(text, &mut symbols);
        let mut previous_unknown = false;
        let mut at = if symbols.is_empty() { None } else { Some(0) };
        while let Some(index) = at {
            let symbol = symbols[index];
            at = symbol.next;
            match (symbol.id, &self.bytes) {
                (Some(id), _) => ids.push(id),
                (None, Some(bytes)) => {
                    let run = &text.as_bytes()[symbol.start..symbol.start + symbol.length];
                    ids.extend(run.iter().map(|&byte| bytes[usize::from(byte)]));
                }
                // Neighbouring unknown characters are one unknown piece.
                (None, None) if previous_unknown => {}
                (None, None) => ids.push(self.unknown),
            }
            previous_unknown = symbol.id.is_none();
        }
    }

    /// One symbol per character, or per piece that is never cut.
    fn symbols(&self, text: &str) -> Vec<Symbol> {
        let mut symbols: Vec<Symbol> = Vec::with_capacity(text.len());
        let mut start = 0;
        while let Some(character) = text[start..].chars().next() {
            let whole = self.whole_lengths.iter().find_map(|&length| {
                let id = self.id(text.get(start..start + length)?)?;
                (self.piece(id)?.kind == Kind::Whole).then_some((length, id))
            });
            let (length, id) = match whole {
                Some((length, id)) => (length, Some(id)),
                None => {
                    let length = character.len_utf8();
                    (length, self.id(&text[start..start + length]))
                }
            };
            let index = symbols.len();
            if let Some(last) = symbols.last_mut() {
                last.next = Some(index);
            }
            symbols.push(Symbol {
                start,
                length,
                id,
                previous: index.checked_sub(1),
                next: None,
                whole: whole.is_some(),
            });
            start += length;
        }
        symbols
    }

    /// Merges neighbours, best first, until none is left to merge.
    fn merge(&self, text: &str, symbols: &mut [Symbol]) {
        let mut queue = BinaryHeap::new();
        for left in 0..symbols.len().saturating_sub(1) {
            if let Some((rank, id)) = self.merged(text, &symbols[left], &symbols[left + 1]) {
                queue.push(Reverse((rank, left, id)));
            }
        }
        while let Some(Reverse((_, left, id))) = queue.pop() {
            let Some(right) = symbols[left].next else { continue };
            // Stale where either neighbour changed since it was queued.
            let now = self.merged(text, &symbols[left], &symbols[right]);
            if now.is_none_or(|(_, now)| now != id) {
                continue;
            }
            symbols[left].length += symbols[right].length;
            symbols[left].id = Some(id);
            symbols[left].next = symbols[right].next;
            symbols[right].length = 0;
            if let Some(after) = symbols[left].next {
                symbols[after].previous = Some(left);
                if let Some((rank, id)) = self.merged(text, &symbols[left], &symbols[after]) {
                    queue.push(Reverse((rank, left, id)));
                }
            }
            if let Some(before) = symbols[left].previous
                && let Some((rank, id)) = self.merged(text, &symbols[before], &symbols[left])
            {
                queue.push(Reverse((rank, before, id)));
            }
        }
    }

    /// Rank and id of what two neighbours make together.
    fn merged(&self, text: &str, left: &Symbol, right: &Symbol) -> Option<(u32, TokenId)> {
        if left.whole || right.whole || left.length == 0 {
            return None;
        }
        match &self.merges {
            Merges::Pieces(ranks) => {
                let id = self.id(&text[left.start..right.start + right.length])?;
                Some((*ranks.get(id as usize)?, id))
            }
            Merges::Pairs(pairs) => pairs.get(&(left.id?, right.id?)).copied(),
        }
    }
}

/// The byte that `<0x0A>` names.
fn byte_of(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() != 2 || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}
