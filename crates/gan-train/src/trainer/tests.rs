use super::*;
use crate::data;
use candle_core::DType;
use gan_data::Digits;
use std::sync::Arc;

fn config(more: &str) -> TrainConfig {
    let text =
        format!("image_size = 8\nbase_width = 2\nlatent_dim = 4\nbatch_size = 4\naccumulate = 3\n{more}");
    TrainConfig::from_toml(&text).unwrap().resolve().unwrap()
}

fn trainer(config: &TrainConfig) -> (Trainer, DataLoader) {
    let digits = Arc::new(Digits::train(0, 16).unwrap());
    let reals = data::loader(config, digits, &Device::Cpu).unwrap();
    (Trainer::new(config, &config.model_config(1, &[]), &Device::Cpu).unwrap(), reals)
}

fn parameters(trainer: &Trainer) -> Vec<Vec<f32>> {
    let networks = [trainer.generator.params(), trainer.discriminator.params()];
    let values = |params: &&Params| {
        let state = params.state_dict().into_values();
        let numbers = |value: Tensor| value.flatten_all().unwrap().to_dtype(DType::F32).unwrap();
        state.map(|value| numbers(value).to_vec1().unwrap()).collect::<Vec<_>>()
    };
    networks.iter().flat_map(values).collect()
}

#[test]
fn batches_that_come_one_at_a_time_give_the_bits_of_all_at_once() {
    for more in ["", "loss = 'relativistic'", "n_critic = 2\nr1 = 1.0"] {
        let config = config(more);
        let (mut one_by_one, mut reals) = trainer(&config);
        let (mut at_once, mut same_reals) = trainer(&config);
        for _ in 0..2 {
            one_by_one.train_step(&mut reals).unwrap();
            let mut batches = Vec::new();
            for _ in 0..config.objective.n_critic {
                at_once.generator.params().set_requires_grad(false);
                batches = (0..3).map(|_| at_once.next_batch(&mut same_reals).unwrap()).collect();
                at_once.update_discriminator(&batches).unwrap();
            }
            let batches: Vec<_> =
                batches.into_iter().map(|batch| batch.for_generator(config.objective.loss)).collect();
            at_once.update_generator(&batches).unwrap();
            at_once.step += 1;
            assert!(parameters(&one_by_one) == parameters(&at_once), "{more}");
        }
    }
}

#[test]
fn no_images_wait_for_the_generator_that_it_does_not_need() {
    for (more, needs_reals) in [("", false), ("loss = 'relativistic'", true)] {
        let config = config(more);
        let (mut trainer, mut reals) = trainer(&config);
        trainer.generator.params().set_requires_grad(false);
        let kept = trainer.next_batch(&mut reals).unwrap().for_generator(config.objective.loss);
        assert_eq!((kept.real.is_some(), kept.fake.is_some()), (needs_reals, false), "{more}");
        trainer.generator.params().set_requires_grad(true);
        let kept = trainer.next_batch(&mut reals).unwrap().for_generator(config.objective.loss);
        assert!(kept.fake.is_some(), "with its graph, where one batch makes an update");
    }
}
