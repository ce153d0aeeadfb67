use clap::Args;

use crate::{
    args::SkillShowArgs,
    commands::ApiCommand,
    error::Failure,
    render::{Answer, View},
    session::Call,
};

#[derive(Args)]
pub(crate) struct Show {
    #[command(flatten)]
    args: SkillShowArgs,
}

impl ApiCommand for Show {
    type Operation = SkillShowArgs;

    const EXAMPLES: &'static str = "  konektor skill show > SKILL.md";

    fn operation(&self) -> &SkillShowArgs {
        &self.args
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client);
        let (guide, _) = call.send(request.send_with_meta()).await?;

        Answer::new(&guide, View::Text(guide.clone()))
    }
}
