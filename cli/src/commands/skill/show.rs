use crate::{
    commands::{ApiCommand, as_documented},
    error::Failure,
    render::{Answer, View},
    session::Call,
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
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
