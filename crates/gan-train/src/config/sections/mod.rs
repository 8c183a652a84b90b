//! The sections of a config: what is declared of each setting stands here and nowhere else.

mod data;
mod discriminator_input;
mod machine;
mod model;
mod objective;
mod optimizers;
mod run;

pub use data::Data;
pub use discriminator_input::DiscriminatorInput;
pub use machine::Machine;
pub use model::Model;
pub use objective::Objective;
pub use optimizers::Optimizers;
pub use run::Run;
