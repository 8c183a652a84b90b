//! Whole networks against PyTorch (assets/fixtures/make_networks.py): values, gradients, statistics, names and shapes.

#![allow(clippy::unwrap_used)] // a test fails by panicking
#![allow(clippy::print_stdout)] // with --nocapture it says how far each case is off

use candle_core::{DType, Device, Tensor, Var, safetensors};
use gan_models::{Context, ModelConfig, Params};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/fixtures/networks.safetensors");

/// Of each tensor, `|a - b| / |b|`; the float32 of PyTorch itself is off by up to 4.3e-6, as the script prints. Candle's
/// own sums, which the references take, are added one value after the other: they are off by up to 1.5e-5.
const TOLERANCE: f64 = 2e-5;

struct Fixture {
    tensors: HashMap<String, Tensor>,
    about: Value,
}

impl Fixture {
    fn load() -> Self {
        let bytes = std::fs::read(FILE).unwrap();
        let (_, metadata) = ::safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let about = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["about"]).unwrap();
        Self { tensors: safetensors::load(FILE, &Device::Cpu).unwrap(), about }
    }

    /// Every case with what it is built from.
    fn cases(&self) -> Vec<(String, ModelConfig)> {
        let cases: BTreeMap<String, ModelConfig> =
            serde_json::from_value(self.about["cases"].clone()).unwrap();
        cases.into_iter().collect()
    }

    fn labels(&self) -> Vec<u32> {
        let labels: Vec<i64> = self.tensors["labels"].to_vec1().unwrap();
        labels.into_iter().map(|label| label as u32).collect()
    }

    /// The tensors of a case whose names begin so, without that.
    fn under(&self, case: &str, part: &str) -> BTreeMap<String, Tensor> {
        let prefix = format!("case.{case}.{part}.");
        let strip = |(name, tensor): (&String, &Tensor)| {
            Some((name.strip_prefix(&prefix)?.to_owned(), tensor.clone()))
        };
        self.tensors.iter().filter_map(strip).collect()
    }
}

fn length(x: &Tensor) -> f64 {
    x.to_dtype(DType::F64).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap().sqrt()
}

/// Collects how far our tensors lie from PyTorch's.
struct Comparison<'a> {
    fixture: &'a Fixture,
    case: &'a str,
    furthest: (f64, String),
}

impl<'a> Comparison<'a> {
    fn new(fixture: &'a Fixture, case: &'a str) -> Self {
        Self { fixture, case, furthest: (0.0, String::new()) }
    }

    fn tensor(&self, name: &str) -> &'a Tensor {
        &self.fixture.tensors[&format!("case.{}.{name}", self.case)]
    }

    fn loaded(&self, part: &str, params: &Params) {
        params.load_state_dict(&self.fixture.under(self.case, &format!("{part}.state"))).unwrap();
        params.accumulate_gradients().unwrap();
    }

    /// `least` is what counts as the length of a tensor that is all zeros.
    fn compare(&mut self, name: &str, ours: &Tensor, theirs: &Tensor, least: f64) {
        assert_eq!(ours.dims(), theirs.dims(), "{}: {name}", self.case);
        let (ours, theirs) = (ours.to_dtype(DType::F64).unwrap(), theirs.to_dtype(DType::F64).unwrap());
        let size = Some(length(&theirs)).filter(|&size| size > 0.0).unwrap_or(least);
        let distance = length(&(ours - theirs).unwrap()) / size;
        assert!(distance < TOLERANCE, "{}: {name} differs by {distance:e}", self.case);
        if distance > self.furthest.0 {
            self.furthest = (distance, name.to_owned());
        }
    }

    fn close(&mut self, name: &str, ours: &Tensor) {
        self.compare(name, ours, self.tensor(name), 0.0);
    }

    /// All gradients that were accumulated.
    fn gradients(&mut self, part: &str, params: &Params) {
        let wanted = self.fixture.under(self.case, &format!("{part}.grad"));
        let gradients = params.gradients();
        assert!(gradients.keys().eq(wanted.keys()), "{}: {:?}", self.case, gradients.keys());
        let largest = wanted.values().map(length).fold(0.0, f64::max);
        for (name, wanted) in &wanted {
            self.compare(&format!("{part}.grad.{name}"), &gradients[name], wanted, largest);
        }
    }

    /// Running statistics and singular vectors.
    fn buffers(&mut self, part: &str, params: &Params) {
        let wanted = self.fixture.under(self.case, &format!("{part}.after"));
        assert!(params.buffers().keys().eq(wanted.keys()), "{}: {:?}", self.case, params.buffers().keys());
        for (name, wanted) in &wanted {
            self.compare(&format!("{part}.after.{name}"), params.buffers()[name].as_tensor(), wanted, 0.0);
        }
    }
}

#[test]
fn generators_are_those_of_pytorch() {
    let fixture = Fixture::load();
    for (case, config) in fixture.cases() {
        let labels = config.conditional.map(|_| fixture.labels());
        let generator = config.generator(0, &Device::Cpu).unwrap();
        let params = generator.params();
        let mut comparison = Comparison::new(&fixture, &case);
        comparison.loaded("g", params);
        let latents = comparison.tensor("latents");
        let images = generator.forward(latents, &Context::train().of_classes(labels.as_deref())).unwrap();
        comparison.close("g.images", &images);
        let sum = (images * comparison.tensor("dy")).unwrap().sum_all().unwrap();
        params.add_gradients(&sum.backward().unwrap()).unwrap();
        comparison.gradients("g", params);
        comparison.buffers("g", params);
        comparison.close(
            "g.eval",
            &generator.forward(latents, &Context::eval().of_classes(labels.as_deref())).unwrap(),
        );
        println!("{case}: {:.1e}, {}", comparison.furthest.0, comparison.furthest.1);
    }
}

/// As `torch.nn.functional.cross_entropy`.
fn cross_entropy(logits: &Tensor, labels: &[u32]) -> Tensor {
    let labels = Tensor::from_slice(labels, (labels.len(), 1), logits.device()).unwrap();
    let log_sum = logits.exp().unwrap().sum_keepdim(1).unwrap().log().unwrap();
    (log_sum - logits.gather(&labels, 1).unwrap()).unwrap().mean_all().unwrap()
}

#[test]
fn discriminators_are_those_of_pytorch() {
    let fixture = Fixture::load();
    for (case, config) in fixture.cases() {
        let labels = config.conditional.map(|_| fixture.labels());
        let discriminator = config.discriminator(0, &Device::Cpu).unwrap();
        let params = discriminator.params();
        let mut comparison = Comparison::new(&fixture, &case);
        comparison.loaded("d", params);
        let images = Var::from_tensor(comparison.tensor("x")).unwrap();
        let output = discriminator.forward(&images, &Context::train().of_classes(labels.as_deref())).unwrap();
        comparison.close("d.logits", &output.flat_logits().unwrap());
        let mut loss = (output.flat_logits().unwrap() * comparison.tensor("dl")).unwrap().sum_all().unwrap();
        if let Some(class_logits) = output.class_logits {
            comparison.close("d.class_logits", &class_logits);
            loss = (loss + cross_entropy(&class_logits, &fixture.labels())).unwrap();
        }
        let store = loss.backward().unwrap();
        params.add_gradients(&store).unwrap();
        comparison.close("d.dx", store.get(&images).unwrap());
        comparison.gradients("d", params);
        comparison.buffers("d", params);
        println!("{case}: {:.1e}, {}", comparison.furthest.0, comparison.furthest.1);
    }
}

#[test]
fn names_and_shapes_of_larger_networks_are_those_of_pytorch() {
    type Shapes = BTreeMap<String, Vec<usize>>;
    let fixture = Fixture::load();
    let layouts = fixture.about["layouts"].as_object().unwrap();
    assert!(layouts.len() > 4);
    for (case, layout) in layouts {
        let config: ModelConfig = serde_json::from_value(layout["config"].clone()).unwrap();
        let generator = config.generator(0, &Device::Cpu).unwrap();
        let discriminator = config.discriminator(0, &Device::Cpu).unwrap();
        for (player, params) in [("g", generator.params()), ("d", discriminator.params())] {
            let shape = |(name, tensor): (String, Tensor)| (name, tensor.dims().to_vec());
            let ours: Shapes = params.state_dict().into_iter().map(shape).collect();
            let theirs: Shapes = serde_json::from_value(layout[player].clone()).unwrap();
            assert_eq!(ours, theirs, "{case}, {player}");
        }
    }
}

gan_ops::also_on_references!(generators_are_those_of_pytorch, discriminators_are_those_of_pytorch);
