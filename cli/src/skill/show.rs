use crate::{
    call::Call,
    error::Failure,
    output::{Answer, View},
    verb::{Verb, as_documented},
};

pub(crate) const VERB: Verb = Verb {
    operation: "skill_show",
    examples: "  konektor skill show > SKILL.md",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

async fn run(call: &Call<'_>) -> Result<Answer, Failure> {
    let guide = call
        .client
        .skill()
        .show()
        .send()
        .await
        .map_err(|error| call.failed(&error))?;

    Answer::new(&*guide, View::Text(guide.to_string()))
}
