//! Rows of different lengths into sequences of one length.

use std::collections::BTreeMap;

/// Packs rows of these lengths into sequences of at most `capacity` tokens, best fit of the longest first: each row goes where the least room
/// is left behind. Returns the places of the rows of each sequence, ascending; sequences in the order of their first rows. A row longer than
/// the capacity is in none.
pub fn pack(lengths: &[usize], capacity: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).filter(|place| lengths[*place] <= capacity).collect();
    order.sort_by_key(|place| (std::cmp::Reverse(lengths[*place]), *place));
    let mut packs: Vec<Vec<usize>> = Vec::new();
    // Sequences by the room that is left in them, the latest last.
    let mut room: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in order {
        let length = lengths[place];
        let fitting = room.range(length..).next().map(|(left, _)| *left);
        let (left, number) = match fitting.and_then(|left| Some((left, room.get_mut(&left)?.pop()?))) {
            Some((left, number)) => {
                if room.get(&left).is_some_and(Vec::is_empty) {
                    room.remove(&left);
                }
                packs[number].push(place);
                (left, number)
            }
            None => {
                packs.push(vec![place]);
                (capacity, packs.len() - 1)
            }
        };
        if left > length {
            room.entry(left - length).or_default().push(number);
        }
    }
    packs.iter_mut().for_each(|pack| pack.sort_unstable());
    packs.sort_unstable();
    packs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn every_row_once_and_no_sequence_too_long() {
        let mut rng = Rng::new(2);
        for capacity in [1, 7, 100, 512] {
            let lengths: Vec<usize> = (0..500).map(|_| rng.range(1, 120)).collect();
            let packs = pack(&lengths, capacity);
            let mut places: Vec<usize> = packs.iter().flatten().copied().collect();
            places.sort_unstable();
            let fitting: Vec<usize> = (0..500).filter(|place| lengths[*place] <= capacity).collect();
            assert_eq!(places, fitting, "capacity {capacity}");
            assert!(packs.iter().all(|pack| pack.iter().map(|place| lengths[*place]).sum::<usize>() <= capacity));
            assert!(packs.iter().all(|pack| pack.is_sorted()) && packs.is_sorted());
        }
        assert!(pack(&[], 10).is_empty());
        assert_eq!(pack(&[11, 10], 10), [[1]]);
    }

    #[test]
    fn little_room_is_left() {
        assert_eq!(pack(&[6, 5, 4, 5], 10), [[0, 2], [1, 3]]);
        let mut rng = Rng::new(3);
        let lengths: Vec<usize> = (0..4000).map(|_| rng.range(40, 200)).collect();
        let packs = pack(&lengths, 512);
        let used = lengths.iter().sum::<usize>() as f64 / (packs.len() * 512) as f64;
        assert!(used > 0.98, "{used}");
    }
}
