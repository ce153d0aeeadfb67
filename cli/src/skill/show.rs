use crate::{
    call::Call,
    error::Failure,
    output::{Answer, View},
    verb::{Verb, as_documented},
};

pub(crate) static VERB: Verb = Verb {
    examples: "  konektor skill show > SKILL.md",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let (guide, _) = call
        .send(call.client.skill().show().send_with_meta())
        .await?;

    Answer::new(&guide, View::Text(guide.clone()))
}
