//! A dense table whose entries have numbers: an entry costs its own size and is found without
//! hashing, which each write of a program does.

use std::num::NonZeroU32;

/// Names an entry; not used again for another until its place has had four billion of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SlotId {
    place: u32,
    turn: NonZeroU32,
}

impl SlotId {
    /// A number for the kernel to keep; never 0.
    pub fn to_bits(self) -> u64 {
        u64::from(self.turn.get()) << 32 | u64::from(self.place)
    }

    /// The other way round; `None` for 0 and what else was never an id.
    pub fn from_bits(bits: u64) -> Option<Self> {
        NonZeroU32::new((bits >> 32) as u32).map(|turn| Self { place: bits as u32, turn })
    }
}

/// The table.
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Slot<T>>,
    /// Places that are empty.
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    /// Tells the entries apart that have the place one after another.
    turn: NonZeroU32,
    entry: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// What [`Self::insert`] will call its next entry.
    pub fn next_id(&self) -> SlotId {
        let place = self.free.last().copied().unwrap_or(self.slots.len() as u32);
        let turn = self.slots.get(place as usize).map_or(NonZeroU32::MIN, |slot| slot.turn);
        SlotId { place, turn }
    }

    /// Takes in an entry.
    pub fn insert(&mut self, entry: T) -> SlotId {
        let id = self.next_id();
        match self.slots.get_mut(id.place as usize) {
            Some(slot) => {
                slot.entry = Some(entry);
                self.free.pop();
            }
            None => self.slots.push(Slot { turn: id.turn, entry: Some(entry) }),
        }
        id
    }

    /// The entry of this name, if it is still there.
    pub fn get(&self, id: SlotId) -> Option<&T> {
        let slot = self.slots.get(id.place as usize).filter(|slot| slot.turn == id.turn);
        slot.and_then(|slot| slot.entry.as_ref())
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: SlotId) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.place as usize).filter(|slot| slot.turn == id.turn);
        slot.and_then(|slot| slot.entry.as_mut())
    }

    /// Takes an entry out; its name is then nobody's.
    pub fn remove(&mut self, id: SlotId) -> Option<T> {
        let slot = self.slots.get_mut(id.place as usize).filter(|slot| slot.turn == id.turn)?;
        let entry = slot.entry.take()?;
        slot.turn = slot.turn.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.free.push(id.place);
        Some(entry)
    }

    /// The names of all entries.
    pub fn ids(&self) -> impl Iterator<Item = SlotId> {
        let used = self.slots.iter().zip(0..).filter(|(slot, _)| slot.entry.is_some());
        used.map(|(slot, place)| SlotId { place, turn: slot.turn })
    }

    /// All entries, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|slot| slot.entry.as_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_and_its_name_is_not() {
        let mut slots = Slots::default();
        let (a, b) = (slots.insert('a'), slots.insert('b'));
        assert_eq!((slots.get(a), slots.get(b)), (Some(&'a'), Some(&'b')));
        assert_eq!((slots.remove(a), slots.remove(a), slots.get(a)), (Some('a'), None, None));
        let expected = slots.next_id();
        let c = slots.insert('c');
        assert_eq!((c, c.place), (expected, a.place));
        assert_ne!(c, a);
        assert_eq!(slots.get(a), None);
        assert_eq!(slots.get_mut(c), Some(&mut 'c'));
        assert_eq!(slots.next_id(), slots.insert('d'));
        assert_eq!(slots.ids().filter_map(|id| slots.get(id)).collect::<String>(), "cbd");
        assert_eq!(slots.values_mut().map(|entry| *entry).collect::<String>(), "cbd");
    }

    #[test]
    fn a_number_is_a_name_and_zero_is_none() {
        let mut slots = Slots::default();
        let first = slots.insert(());
        assert_ne!(first.to_bits(), 0);
        slots.remove(first);
        let id = slots.insert(());
        assert_eq!(SlotId::from_bits(id.to_bits()), Some(id));
        assert_eq!(SlotId::from_bits(0), None);
    }
}
