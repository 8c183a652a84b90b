//! All that must survive a stop.

use crate::error::{Error, Result};
use crate::listing::{differences, listing};
use crate::params::Params;
use crate::spectral_names::with_current_names;
use candle_core::{Tensor, Var};
use std::collections::BTreeMap;

/// All that must survive a stop, by name: tensors and counters.
///
/// A part of a trainer names each of them once, in a function `state(&mut self) -> State`; what is saved is then also
/// what is restored.
#[derive(Default)]
pub struct State<'a> {
    tensors: BTreeMap<String, Var>,
    counters: BTreeMap<String, &'a mut u64>,
}

impl<'a> State<'a> {
    /// The parameters and buffers of a network.
    pub fn of_network(params: &Params) -> Self {
        let all = params.parameters().iter().chain(params.buffers());
        State { tensors: all.map(|(name, var)| (name.clone(), var.clone())).collect(), ..State::default() }
    }

    /// Names a tensor.
    pub fn tensor(&mut self, name: impl Into<String>, var: &Var) {
        self.tensors.insert(name.into(), var.clone());
    }

    /// Names a counter.
    pub fn counter(&mut self, name: impl Into<String>, counter: &'a mut u64) {
        self.counters.insert(name.into(), counter);
    }

    /// Takes in the state of a part; its names begin with that of the part.
    pub fn part(&mut self, part: &str, state: State<'a>) {
        let within = |name| format!("{part}.{name}");
        self.tensors.extend(state.tensors.into_iter().map(|(name, var)| (within(name), var)));
        self.counters.extend(state.counters.into_iter().map(|(name, counter)| (within(name), counter)));
    }

    /// Takes in the state of a part under its own names.
    pub fn include(&mut self, state: State<'a>) {
        self.tensors.extend(state.tensors);
        self.counters.extend(state.counters);
    }

    /// The tensors, which share memory with those in use.
    pub fn tensors(&self) -> BTreeMap<String, Tensor> {
        self.tensors.iter().map(|(name, var)| (name.clone(), var.as_tensor().detach())).collect()
    }

    /// The counters.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.counters.iter().map(|(name, counter)| (name.clone(), **counter)).collect()
    }

    /// Takes over saved tensors and counters, which must be exactly those that are named here.
    ///
    /// # Errors
    /// The list of differences. Nothing is changed then.
    pub fn restore(self, tensors: &BTreeMap<String, Tensor>, counters: &BTreeMap<String, u64>) -> Result<()> {
        let tensors = with_current_names(self.tensors.keys(), tensors.clone());
        let tensors_differ = differences(&listing(&self.tensors()), &listing(&tensors));
        let missing = self.counters.keys().find(|name| !counters.contains_key(*name));
        let extra = counters.keys().find(|name| !self.counters.contains_key(*name));
        let counters_differ = missing.map(|name| format!("the counter {name} is missing"));
        let counters_differ =
            counters_differ.or(extra.map(|name| format!("there is no place for the counter {name}")));
        let all: Vec<String> = tensors_differ.into_iter().chain(counters_differ).collect();
        if !all.is_empty() {
            return Err(Error::OtherState(all.join("; ")));
        }
        for (name, var) in &self.tensors {
            var.set(&tensors[name].to_device(var.device())?.copy()?)?;
        }
        for (name, counter) in self.counters {
            *counter = counters[&name];
        }
        Ok(())
    }
}
