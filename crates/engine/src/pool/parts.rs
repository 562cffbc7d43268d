//! Jobs whose tasks each own one part of every output: safe by construction.

use std::marker::PhantomData;

use crate::kernels::AlignedVec;

/// One output cut into consecutive parts; part `t` belongs to task `t`.
pub(crate) struct Parts<'a, T = f32> {
    data: *mut T,
    length: usize,
    cut: Cut<'a>,
    owner: PhantomData<&'a mut [T]>,
}

enum Cut<'a> {
    /// Size of a part, first task that has one.
    Even(usize, usize),
    At(&'a [usize]),
}

// SAFETY: parts of different tasks do not overlap (see `range`) and the pool runs each task once, so every value is reached
// from one thread at a time; the borrow of the whole output lasts as long as `Parts`.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    /// Parts of `each` values; the last may be shorter.
    pub(crate) fn even(data: &'a mut [T], each: usize) -> Self {
        Self::even_from(data, each, 0)
    }

    /// As [`Parts::even`], but the first part belongs to task `first`; tasks before it and after the end have empty parts.
    pub(crate) fn even_from(data: &'a mut [T], each: usize, first: usize) -> Self {
        Self { data: data.as_mut_ptr(), length: data.len(), cut: Cut::Even(each, first), owner: PhantomData }
    }

    /// Part `t` is `bounds[t]..bounds[t + 1]`.
    ///
    /// # Panics
    /// When the bounds decrease or leave `data`: that would make parts overlap.
    pub(crate) fn at(data: &'a mut [T], bounds: &'a [usize]) -> Self {
        assert!(bounds.is_sorted(), "bounds of parallel parts must not decrease");
        assert!(bounds.last().is_none_or(|end| *end <= data.len()), "parts must lie inside");
        Self { data: data.as_mut_ptr(), length: data.len(), cut: Cut::At(bounds), owner: PhantomData }
    }

    /// Disjoint for different tasks: multiples of one size, or neighbours in a sorted list; empty outside.
    fn range(&self, task: usize) -> (usize, usize) {
        match &self.cut {
            Cut::Even(each, first) => match task.checked_sub(*first) {
                Some(index) => {
                    let start = index.saturating_mul(*each).min(self.length);
                    (start, start.saturating_add(*each).min(self.length))
                }
                None => (0, 0),
            },
            Cut::At(bounds) => match (bounds.get(task), bounds.get(task + 1)) {
                (Some(start), Some(end)) => (*start, *end),
                _ => (0, 0),
            },
        }
    }

    /// # Safety
    /// No two live slices may come from the same task number.
    #[allow(clippy::mut_from_ref)] // the borrow is split by task, which the caller keeps unique
    unsafe fn part(&self, task: usize) -> &mut [T] {
        let (start, end) = self.range(task);
        // SAFETY: inside the borrowed output, and disjoint from every other task's part.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(start), end - start) }
    }
}

/// Private memory of each thread, kept between jobs.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    slots: Vec<AlignedVec>,
}

impl Scratch {
    /// Grows to the present number of threads with at least `length` values each.
    pub(crate) fn prepare(&mut self, length: usize) {
        let threads = super::threads();
        if self.slots.len() < threads {
            self.slots.resize_with(threads, AlignedVec::default);
        }
        for slot in &mut self.slots {
            slot.grow(length);
        }
    }
}

/// Pointers to the slots, one for each worker.
struct Slots(*mut AlignedVec, usize);
// SAFETY: the pool gives a worker number to one thread at a time, and each worker uses its own slot only.
unsafe impl Sync for Slots {}

/// As [`run_parts_with`], with outputs of one type.
pub(crate) fn run_parts<T: Send, const N: usize>(
    tasks: usize,
    scratch: &mut Scratch,
    outputs: [Parts<'_, T>; N],
    body: impl Fn(usize, &mut [f32], [&mut [T]; N]) + Sync,
) {
    run_parts_with::<T, (), N>(tasks, scratch, outputs, Parts::even(&mut [], 1), |task, memory, parts, _| {
        body(task, memory, parts);
    });
}

/// Runs `body(task, scratch, parts, other)` for every task, where `parts[i]` is the task's part of output `i` and `scratch` is
/// memory that no other running task uses (its content is arbitrary); `other` is the task's part of an output of another
/// type. `scratch` must be prepared to the length needed.
pub(crate) fn run_parts_with<T: Send, U: Send, const N: usize>(
    tasks: usize,
    scratch: &mut Scratch,
    outputs: [Parts<'_, T>; N],
    other: Parts<'_, U>,
    body: impl Fn(usize, &mut [f32], [&mut [T]; N], &mut [U]) + Sync,
) {
    if scratch.slots.is_empty() {
        scratch.prepare(0);
    }
    let slots = Slots(scratch.slots.as_mut_ptr(), scratch.slots.len());
    let (slots, outputs, other) = (&slots, &outputs, &other);
    super::run(slots.1, tasks, &|worker, task| {
        // SAFETY: `worker < limit <= slots.1`, and worker numbers of running tasks are distinct.
        let memory: &mut [f32] = unsafe { &mut *slots.0.add(worker) };
        // SAFETY: the pool runs each task number once, so its parts are taken once.
        let parts = std::array::from_fn(|index| unsafe { outputs[index].part(task) });
        // SAFETY: as above.
        body(task, memory, parts, unsafe { other.part(task) });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_reach_every_value_once() {
        super::super::set_threads(3);
        let mut first = vec![0.0; 103];
        let mut second = vec![0.0; 50];
        let bounds = [0, 7, 7, 20, 50];
        let mut scratch = Scratch::default();
        scratch.prepare(5);
        run_parts(
            4,
            &mut scratch,
            [Parts::even(&mut first, 26), Parts::at(&mut second, &bounds)],
            |task, memory, [a, b]| {
                assert!(memory.len() >= 5);
                memory.fill(task as f32);
                for value in a.iter_mut().chain(b) {
                    *value += 1.0 + memory[0];
                }
            },
        );
        for (index, value) in first.iter().enumerate() {
            assert_eq!(*value, 1.0 + (index / 26) as f32);
        }
        assert_eq!((second[6], second[7], second[49]), (1.0, 3.0, 4.0));
    }

    #[test]
    fn parts_of_another_type_belong_to_the_same_task() {
        super::super::set_threads(3);
        let (mut values, mut names) = (vec![0.0; 11], vec![String::new(); 4]);
        run_parts_with(
            4,
            &mut Scratch::default(),
            [Parts::even(&mut values, 3)],
            Parts::even(&mut names, 1),
            |task, _, [values], names| {
                values.fill(task as f32);
                names[0] = format!("{task}: {}", values.len());
            },
        );
        assert_eq!(values, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0]);
        assert_eq!(names, ["0: 3", "1: 3", "2: 3", "3: 2"]);
    }

    #[test]
    #[should_panic(expected = "must not decrease")]
    fn overlapping_bounds_are_refused() {
        let mut data = vec![0.0; 10];
        let _ = Parts::at(&mut data, &[0, 5, 3]);
    }
}
