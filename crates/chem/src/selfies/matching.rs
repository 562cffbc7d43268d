//! Perfect matchings of small sparse graphs, chosen as the package `selfies` chooses them.
//!
//! A greedy matching is repaired by augmenting paths. Where several perfect matchings exist the order of every step decides
//! which is found, and with it the Kekulé form; the order is therefore kept, down to the one in which a Python set gives its
//! elements. The search does not contract odd cycles, so that in rare graphs it misses a matching or breaks one, and an
//! atom ends up with two double bonds; the check against the constraints finds these.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// The partner of every vertex, or `None` when no perfect matching was found. `graph` holds the neighbours of each vertex.
pub(super) fn perfect_matching(graph: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut mates = greedy(graph);
    let mut unmatched = PythonSet::new((0..graph.len()).filter(|&vertex| mates[vertex].is_none()));
    let mut search = Search { parents: vec![None; graph.len()], reached: Vec::new() };
    while let Some(root) = unmatched.pop() {
        if mates[root].is_some() {
            continue;
        }
        let path = search.augmenting_path(graph, root, &mates)?;
        for (one, other) in path {
            mates[one] = Some(other);
            mates[other] = Some(one);
        }
    }
    mates.into_iter().collect()
}

/// A maximal matching: vertices with fewest unmatched neighbours first, each with its first unmatched neighbour.
fn greedy(graph: &[Vec<usize>]) -> Vec<Option<usize>> {
    let mut mates = vec![None; graph.len()];
    let mut free: Vec<usize> = graph.iter().map(Vec::len).collect();
    let mut queue: BinaryHeap<Reverse<(usize, usize)>> =
        free.iter().enumerate().map(|(vertex, &degree)| Reverse((degree, vertex))).collect();
    while let Some(Reverse((_, vertex))) = queue.pop() {
        if mates[vertex].is_some() {
            continue;
        }
        let Some(mate) = graph[vertex].iter().copied().find(|&neighbour| mates[neighbour].is_none()) else { continue };
        mates[vertex] = Some(mate);
        mates[mate] = Some(vertex);
        for &neighbour in graph[vertex].iter().chain(&graph[mate]) {
            free[neighbour] -= 1;
            if mates[neighbour].is_none() && free[neighbour] > 0 {
                queue.push(Reverse((free[neighbour], neighbour)));
            }
        }
    }
    mates
}

struct Search {
    /// For each vertex at even distance from the root: the one two steps before it, and the one between.
    parents: Vec<Option<(usize, usize)>>,
    /// Vertices whose parents are known.
    reached: Vec<usize>,
}

impl Search {
    /// The pairs to be matched along a path from `root` to another unmatched vertex, end first.
    fn augmenting_path(
        &mut self,
        graph: &[Vec<usize>],
        root: usize,
        mates: &[Option<usize>],
    ) -> Option<Vec<(usize, usize)>> {
        for vertex in self.reached.drain(..) {
            self.parents[vertex] = None;
        }
        self.reach(root, root, root);
        let mut queue = VecDeque::from([root]);
        while let Some(vertex) = queue.pop_front() {
            for &neighbour in &graph[vertex] {
                match mates[neighbour] {
                    None if neighbour == root => {}
                    None => {
                        self.reach(neighbour, vertex, neighbour);
                        return self.path(neighbour, root);
                    }
                    Some(mate) if self.parents[mate].is_none() => {
                        self.reach(mate, vertex, neighbour);
                        queue.push_back(mate);
                    }
                    Some(_) => {}
                }
            }
        }
        None
    }

    fn reach(&mut self, vertex: usize, before: usize, between: usize) {
        self.parents[vertex] = Some((before, between));
        self.reached.push(vertex);
    }

    fn path(&self, end: usize, root: usize) -> Option<Vec<(usize, usize)>> {
        let mut path = Vec::new();
        let mut vertex = end;
        while vertex != root {
            // A matching broken at an odd cycle could lead round in a circle.
            if path.len() > self.parents.len() {
                return None;
            }
            let (before, between) = self.parents[vertex]?;
            path.push((between, before));
            vertex = before;
        }
        Some(path)
    }
}

/// Numbers in the order in which a Python set of them gives them away: that of CPython's hash table, whose hash of a small
/// number is the number itself.
struct PythonSet {
    slots: Vec<Option<usize>>,
    next: usize,
    used: usize,
}

/// Slots that are tried one after the other before the table jumps.
const LINEAR_PROBES: usize = 9;

impl PythonSet {
    fn new(numbers: impl Iterator<Item = usize>) -> PythonSet {
        let mut set = PythonSet { slots: vec![None; 8], next: 0, used: 0 };
        for number in numbers {
            set.insert(number);
            set.used += 1;
            if set.used * 5 >= (set.slots.len() - 1) * 3 {
                set.grow();
            }
        }
        set
    }

    fn insert(&mut self, number: usize) {
        let mask = self.slots.len() - 1;
        let mut perturb = number;
        let mut at = number & mask;
        loop {
            let last = if at + LINEAR_PROBES <= mask { at + LINEAR_PROBES } else { at };
            if let Some(slot) = self.slots[at..=last].iter_mut().find(|slot| slot.is_none()) {
                *slot = Some(number);
                return;
            }
            perturb >>= 5;
            at = (at * 5 + 1 + perturb) & mask;
        }
    }

    fn grow(&mut self) {
        let wanted = if self.used > 50_000 { self.used * 2 } else { self.used * 4 };
        let mut size = 8;
        while size <= wanted {
            size *= 2;
        }
        for number in std::mem::replace(&mut self.slots, vec![None; size]).into_iter().flatten() {
            self.insert(number);
        }
    }

    /// Takes the next number out.
    fn pop(&mut self) -> Option<usize> {
        while self.next < self.slots.len() {
            self.next += 1;
            if let Some(number) = self.slots[self.next - 1].take() {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_leave_the_set_as_in_python() {
        // Right-hand sides: `set.pop` of Python 3.11.
        for (numbers, order) in [
            (vec![1, 2, 3], vec![1, 2, 3]),
            (vec![5, 16], vec![16, 5]),
            (vec![3, 8, 11, 19], vec![8, 11, 3, 19]),
            (vec![7, 15, 23, 31, 39], vec![39, 7, 15, 23, 31]),
            (vec![9, 17, 25, 33, 41, 49, 57, 65], vec![33, 65, 9, 41, 17, 49, 25, 57]),
            ((0..400).step_by(37).collect(), vec![0, 259, 37, 296, 74, 333, 111, 370, 148, 185, 222]),
        ] {
            let mut set = PythonSet::new(numbers.into_iter());
            assert_eq!(std::iter::from_fn(|| set.pop()).collect::<Vec<_>>(), order);
        }
    }

    #[test]
    fn every_vertex_is_paired_with_a_neighbour_or_none_is() {
        let path = [vec![1], vec![0, 2], vec![1, 3], vec![2, 4], vec![3, 5], vec![4]];
        assert_eq!(perfect_matching(&path), Some(vec![1, 0, 3, 2, 5, 4]));
        let prism = [vec![2, 1, 3], vec![0, 2, 4], vec![1, 0, 5], vec![0, 4, 5], vec![3, 1, 5], vec![4, 3, 2]];
        let mates = perfect_matching(&prism).unwrap();
        assert!((0..6).all(|vertex| mates[mates[vertex]] == vertex && prism[vertex].contains(&mates[vertex])));
        for odd in [vec![vec![]], vec![vec![1, 2], vec![0, 2], vec![0, 1]]] {
            assert_eq!(perfect_matching(&odd), None);
        }
        assert_eq!(perfect_matching(&[]), Some(vec![]));
    }
}
