//! `SortedMap` and `SortedSet` do what `BTreeMap` and `BTreeSet` of the standard library do.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use proptest::prelude::*;
use telecine_model::{SortedMap, SortedSet};

#[derive(Clone, Debug)]
enum Step {
    Insert(u16, u32),
    Remove(u16),
    Entry(u16, u32),
    PopFirst,
    Retain(u16),
    Bump(u16),
    Extend(u16, u16),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..2000_u16;
    prop_oneof![
        8 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Step::Insert(key, value)),
        5 => key.clone().prop_map(Step::Remove),
        3 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Step::Entry(key, value)),
        1 => Just(Step::PopFirst),
        1 => (2..30_u16).prop_map(Step::Retain),
        2 => key.clone().prop_map(Step::Bump),
        2 => (key, 1..400_u16).prop_map(|(from, count)| Step::Extend(from, count)),
    ]
}

/// The same done to both, and both say the same of it.
fn take(step: &Step, ours: &mut SortedMap<u16, u32>, theirs: &mut BTreeMap<u16, u32>) {
    match *step {
        Step::Insert(key, value) => assert_eq!(ours.insert(key, value), theirs.insert(key, value)),
        Step::Remove(key) => assert_eq!(ours.remove(&key), theirs.remove(&key)),
        Step::Entry(key, value) => {
            *ours.entry(key).or_insert(value) ^= 1;
            *theirs.entry(key).or_insert(value) ^= 1;
        }
        Step::PopFirst => assert_eq!(ours.pop_first(), theirs.pop_first()),
        Step::Retain(every) => {
            ours.retain(|key, value| {
                *value ^= 1;
                key % every != 0
            });
            theirs.retain(|key, value| {
                *value ^= 1;
                key % every != 0
            });
        }
        Step::Bump(key) => {
            let (one, other) = (ours.get_mut(&key), theirs.get_mut(&key));
            assert_eq!(one, other);
            one.into_iter().chain(other).for_each(|value| *value = value.wrapping_add(1));
        }
        Step::Extend(from, count) => {
            let entries = || (from..from + count).rev().map(|key| (key % 2000, u32::from(count)));
            ours.extend(entries());
            theirs.extend(entries());
        }
    }
}

fn assert_alike(ours: &SortedMap<u16, u32>, theirs: &BTreeMap<u16, u32>) {
    assert_eq!((ours.len(), ours.is_empty()), (theirs.len(), theirs.is_empty()));
    assert_eq!((ours.first_key_value(), ours.last_key_value()), (theirs.first_key_value(), theirs.last_key_value()));
    assert!(ours.iter().eq(theirs.iter()));
    assert!(ours.iter().rev().eq(theirs.iter().rev()));
    assert_eq!(ours.keys().count(), theirs.len());
    assert!(ours.clone().into_iter().eq(theirs.clone()));
    assert!(ours.clone().iter_mut().rev().map(|(key, value)| (*key, *value)).eq(theirs.clone().into_iter().rev()));
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
}

fn bound(which: u8, key: u16) -> Bound<u16> {
    match which {
        0 => Bound::Unbounded,
        1 => Bound::Included(key),
        _ => Bound::Excluded(key),
    }
}

proptest! {
    #[test]
    fn a_sorted_map_is_a_map_in_order(
        steps in prop::collection::vec(step(), 1..300),
        ranges in prop::collection::vec((0..3_u8, 0..2000_u16, 0..3_u8, 1..700_u16), 1..20),
    ) {
        let (mut ours, mut theirs) = (SortedMap::new(), BTreeMap::new());
        for step in &steps {
            take(step, &mut ours, &mut theirs);
            prop_assert_eq!(ours.len(), theirs.len());
        }
        assert_alike(&ours, &theirs);
        for (from_kind, from, to_kind, length) in ranges {
            let range = (bound(from_kind, from), bound(to_kind, from + length));
            prop_assert!(ours.range(range).eq(theirs.range(range)));
            prop_assert!(ours.range(range).rev().eq(theirs.range(range).rev()));
            // From both ends at once.
            let (mut one, mut other) = (ours.range(range), theirs.range(range));
            loop {
                prop_assert_eq!(one.next(), other.next());
                let (last, expected) = (one.next_back(), other.next_back());
                prop_assert_eq!(last, expected);
                if expected.is_none() {
                    break;
                }
            }
            prop_assert_eq!(ours.get(&from), theirs.get(&from));
            prop_assert_eq!(ours.contains_key(&from), theirs.contains_key(&from));
        }
        let again: SortedMap<u16, u32> = theirs.iter().rev().map(|(key, value)| (*key, *value)).collect();
        prop_assert_eq!(&again, &ours, "however it was made");
        ours.clear();
        prop_assert!(ours.is_empty() && ours.iter().next().is_none());
    }

    #[test]
    fn a_sorted_set_is_a_set_in_order(values in prop::collection::vec((any::<bool>(), 0..900_u16), 0..2000)) {
        let (mut ours, mut theirs) = (SortedSet::new(), BTreeSet::new());
        for (add, value) in values {
            match add {
                true => prop_assert_eq!(ours.insert(value), theirs.insert(value)),
                false => prop_assert_eq!(ours.remove(&value), theirs.remove(&value)),
            }
        }
        prop_assert!(ours.iter().eq(theirs.iter()));
        prop_assert!(ours.range(100..=300).rev().eq(theirs.range(100..=300).rev()));
        prop_assert_eq!((ours.first(), ours.last(), ours.len()), (theirs.first(), theirs.last(), theirs.len()));
        let some: SortedSet<u16> = ours.iter().copied().filter(|value| value % 3 == 0).collect();
        prop_assert!(some.is_subset(&ours));
        prop_assert_eq!(ours.is_subset(&some), ours.len() == some.len());
    }
}

/// A list in one piece would move terabytes here: that is minutes, and this is none.
#[test]
fn what_comes_in_any_order_stays_cheap() {
    let count = 400_000_u64;
    let mut backwards = SortedMap::new();
    let mut scattered = SortedMap::new();
    for n in 0..count {
        backwards.insert(count - n, [n; 8]);
        scattered.insert(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), [n; 8]);
    }
    assert_eq!((backwards.len(), scattered.len() as u64), (count as usize, count));
    while scattered.len() > 1 {
        scattered.pop_first();
    }
    assert_eq!(backwards.first_key_value(), Some((&1, &[count - 1; 8])));
}

#[test]
fn of_two_with_one_key_the_later_counts() {
    let map = SortedMap::from([("b", 2), ("a", 1), ("b", 3)]);
    assert_eq!(map["b"], 3);
    assert_eq!(map.range("b"..).map(|(key, _)| *key).collect::<Vec<_>>(), ["b"]);
    assert_eq!(map.range("c".."a").count(), 0, "a range that ends before it begins");
}
