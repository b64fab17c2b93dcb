//! `tidegate shell`: statements typed one after another. An error never ends it.

mod complete;
mod highlight;
mod history;
mod meta;
mod prompt;
#[cfg(test)]
mod tests;
mod validate;

use std::sync::Arc;

use reedline::{
    ColumnarMenu, Emacs, KeyCode, KeyModifiers, MenuBuilder, Reedline, ReedlineEvent, ReedlineMenu, Signal,
    default_emacs_keybindings,
};
use tidegate::{Engine, Error, Session};
use tokio::runtime::Runtime;

use crate::args::Options;
use crate::exit::Exit;
use crate::interrupt::Interrupts;
use crate::run::Runner;
use crate::{messages, open};

const MENU: &str = "completion";

/// The state of a shell.
pub(crate) struct Shell {
    engine: Engine,
    runner: Runner,
    editor: Reedline,
}

/// Whether to read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Line,
    End,
}

/// Reads statements until the user ends it.
pub(crate) fn run(runtime: &Runtime, options: &Options) -> Exit {
    let ended = runtime.block_on(open(options)).map_err(|error| messages::describe(&error)).and_then(|mut shell| {
        messages::say(&format!("tidegate {}; \\? for help, \\q to quit", env!("CARGO_PKG_VERSION")));
        let read = shell.read(runtime);
        runtime.block_on(shell.engine.settle());
        read
    });
    match ended {
        Ok(()) => Exit::Done,
        Err(message) => {
            messages::failure(&message);
            Exit::Failed
        }
    }
}

async fn open(options: &Options) -> Result<Shell, Error> {
    let engine = open::configured(options)?;
    let session = open::session(options, &engine);
    // Opening the state makes its folder, with the access that it must have, before history is put there.
    if engine.state().is_durable() {
        engine.state().statements(0).map_err(|error| Error::new(tidegate::ErrorKind::Local, error.to_string()))?;
    }
    let history = history::open(open::state_folder(options)?.as_deref());
    let mut runner = Runner::new(Arc::clone(&session), options.format, Interrupts::listen(false));
    runner.closing = true;
    runner.confirm = Some(ask);
    Ok(Shell { engine, runner, editor: editor(session, history) })
}

/// Asks on the terminal. The line editor reads Ctrl-C as a key; a plain read of standard input would go on after it,
/// and take the next statement for the answer.
fn ask(question: &str) -> bool {
    let question = messages::without_controls(question);
    Reedline::create().read_line(&prompt::QuestionPrompt(&question)).is_ok_and(|answer| is_yes(&answer))
}

/// Anything but a yes is a no: Ctrl-C and Ctrl-D too.
fn is_yes(answer: &Signal) -> bool {
    matches!(answer, Signal::Success(text) if matches!(text.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn editor(session: Arc<Session>, history: history::BlankedHistory) -> Reedline {
    let mut keys = default_emacs_keybindings();
    let complete = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    Reedline::create()
        .with_history(Box::new(history))
        .with_history_exclusion_prefix(Some(" ".to_owned()))
        .with_completer(Box::new(complete::SqlCompleter::new(session)))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name(MENU).with_marker("> "))))
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_highlighter(Box::new(highlight::SqlHighlighter))
        .with_validator(Box::new(validate::SqlValidator))
        .with_ansi_colors(std::env::var_os("NO_COLOR").is_none())
        .use_bracketed_paste(true)
}

impl Shell {
    fn read(&mut self, runtime: &Runtime) -> Result<(), String> {
        loop {
            let signal = self.editor.read_line(&prompt::SqlPrompt);
            let next = match signal.map_err(|error| format!("cannot read the terminal: {error}"))? {
                Signal::Success(text) => runtime.block_on(self.obey(&text)),
                Signal::CtrlD => Next::End,
                // Ctrl-C drops the line; the other signals come only from what is not set up here.
                _ => Next::Line,
            };
            if next == Next::End {
                return Ok(());
            }
        }
    }

    async fn obey(&mut self, text: &str) -> Next {
        let text = text.trim();
        if let Some(command) = text.strip_prefix('\\') {
            return meta::run(&mut self.runner, command).await;
        }
        if matches!(text.trim_end_matches(';').trim().to_ascii_lowercase().as_str(), "exit" | "quit") {
            return Next::End;
        }
        self.runner.script(text).await;
        Next::Line
    }
}
