//! The sections of a config: what is declared of each setting stands here and nowhere else.

mod data;
mod discriminator_input;
mod evaluation;
mod machine;
mod model;
mod objective;
mod optimizers;
mod run;

pub use data::DataSettings;
pub use discriminator_input::DiscriminatorInputSettings;
pub use evaluation::EvaluationSettings;
pub use machine::MachineSettings;
pub use model::ModelSettings;
pub use objective::ObjectiveSettings;
pub use optimizers::OptimizersSettings;
pub use run::RunSettings;
