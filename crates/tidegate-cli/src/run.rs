//! Runs statements one after another and writes what they return.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::task::Poll;

use datafusion::arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tidegate::{Error, ErrorKind, Execution, Prepared, Session, StatementKind, Summary};

use crate::args::Options;
use crate::exit::Exit;
use crate::input::Input;
use crate::interrupt::{Interrupted, Interrupts, Running};
use crate::output::{self, Format, RowWriter, Sink, WriteError};
use crate::progress::Progress;
use crate::{closing, messages, open};

/// Asked in a shell.
const UNBOUNDED: &str = "this changes every row of the table: it has neither WHERE nor LIMIT. Go on?";

/// Longest part of a statement that an error repeats.
const SHOWN: usize = 100;

/// Runs statements in one session.
pub(crate) struct Runner {
    session: Arc<Session>,
    pub(crate) format: Format,
    /// Whether each statement ends with its rows, calls and time.
    pub(crate) closing: bool,
    /// Says the closing line, and notes on a result.
    pub(crate) say: fn(&str),
    /// Asks before a statement that changes all rows of a table or takes many calls; without it, there is nobody to ask.
    pub(crate) confirm: Option<fn(&str) -> bool>,
    interrupts: Interrupts,
    sink: Sink,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    wrote_binary: bool,
}

/// Why a statement did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine says why.
    Engine(Error),
    /// Its rows could not be written.
    Output(WriteError),
    /// The user stopped it; a mutation says how far it came.
    Interrupted(Option<String>),
    /// The user does not want it; with what can be done instead.
    Declined(&'static str),
}

/// What a statement gave.
struct Ended {
    rows: Option<u64>,
    summary: Summary,
    shortened: Option<String>,
    /// A mutation that did not end well has rows all the same.
    failure: Option<Failure>,
}

/// `-c`, `-f` and standard input.
pub(crate) async fn script(options: &Options, input: &Input) -> Exit {
    let text = match input.read() {
        Ok(text) => text,
        Err(message) => {
            messages::failure(&message);
            return Exit::Failed;
        }
    };
    let interrupts = Interrupts::listen(true);
    let engine = match open::configured(options) {
        Ok(engine) => engine,
        Err(error) => {
            messages::failure(&messages::describe(&error));
            return Exit::Failed;
        }
    };
    let exit = Runner::new(open::session(options, &engine), options.format, interrupts).script(&text).await;
    engine.settle().await;
    exit
}

impl Runner {
    /// For the program's own standard output and error.
    pub(crate) fn new(session: Arc<Session>, format: Option<Format>, interrupts: Interrupts) -> Self {
        let stdout_is_terminal = std::io::stdout().is_terminal();
        let stderr_is_terminal = std::io::stderr().is_terminal();
        Self {
            session,
            format: format.unwrap_or_else(|| Format::default_for(stdout_is_terminal)),
            closing: stderr_is_terminal,
            say: messages::say,
            confirm: None,
            interrupts,
            sink: Sink::stdout(),
            stdout_is_terminal,
            stderr_is_terminal,
            wrote_binary: false,
        }
    }

    /// Runs the statements of a text, up to the first that fails, and says what went wrong.
    pub(crate) async fn script(&mut self, text: &str) -> Exit {
        let statements = match Session::split(text) {
            Ok(statements) => statements,
            Err(error) => {
                messages::failure(&messages::describe(&error));
                return Exit::Failed;
            }
        };
        for (at, sql) in statements.iter().enumerate() {
            let Err(failure) = self.statement(sql).await else { continue };
            return report(&failure, &statements, at);
        }
        Exit::Done
    }

    /// Runs one statement and ends it with its closing line.
    pub(crate) async fn statement(&mut self, sql: &str) -> Result<(), Failure> {
        let ended = self.rows_of(sql).await?;
        if let Some(shortened) = ended.shortened {
            (self.say)(&format!("note: {shortened}"));
        }
        for warning in ended.summary.warnings() {
            messages::warning(&warning);
        }
        if self.closing {
            let (counts, left) = (ended.summary.counts(), ended.summary.left());
            (self.say)(&closing::line(ended.rows, &counts, ended.summary.elapsed(), left.as_ref()));
        }
        ended.failure.map_or(Ok(()), Err)
    }

    async fn rows_of(&mut self, sql: &str) -> Result<Ended, Failure> {
        let progress = Progress::start(self.stderr_is_terminal);
        let interrupts = self.interrupts.clone();
        let running = interrupts.begin();
        let prepared = running.or_interrupted(self.session.prepare(sql)).await??;
        let kind = prepared.kind;
        self.refuse_format(&prepared)?;
        self.ask_before(&prepared, &running, &progress).await?;
        let execution = running.or_interrupted(prepared.execute(Vec::new())).await??;
        running.cancels(execution.cancel.clone(), &execution.summary);
        progress.watch(&execution.summary);
        self.write(kind, execution, &running, &progress).await
    }

    /// Asks whether to go on with a statement that changes all rows of a table, or is predicted to take many calls.
    async fn ask_before(&self, prepared: &Prepared, running: &Running<'_>, progress: &Progress) -> Result<(), Failure> {
        let Some(confirm) = self.confirm else { return Ok(()) };
        let confirm = |question: &str| {
            let _paused = progress.pause();
            confirm(question)
        };
        if prepared.is_unbounded && !confirm(UNBOUNDED) {
            return Err(Failure::Declined("a WHERE or a LIMIT bounds the statement"));
        }
        // What is wrong with the plan is said by running it.
        let predicted = running.or_interrupted(prepared.predict(&[])).await?.ok().flatten();
        match predicted.and_then(|prediction| prediction.should_confirm()) {
            Some(reason) if !confirm(&format!("{reason}. Go on?")) => Err(Failure::Declined(
                "EXPLAIN CALLS says what would make it cheaper, SET tidegate.confirm_calls = 'off' stops the questions",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses what the format cannot take, before the statement has any effect.
    fn refuse_format(&mut self, prepared: &Prepared) -> Result<(), WriteError> {
        if !self.format.is_binary() || prepared.schema.fields().is_empty() {
            return Ok(());
        }
        let refuse = |message: &str| Err(WriteError::Format(message.to_owned()));
        if self.stdout_is_terminal {
            return refuse(output::NOT_FOR_TERMINALS);
        }
        if self.wrote_binary {
            return refuse("this format takes one statement that returns rows, and this is the second");
        }
        self.wrote_binary = true;
        Ok(())
    }

    /// The next rows. Those that were written are shown before others are waited for, and before an error is.
    async fn next(&self, stream: &mut SendableRecordBatchStream) -> Result<Next, WriteError> {
        let mut next = stream.next();
        let polled = futures::poll!(&mut next);
        if matches!(polled, Poll::Pending | Poll::Ready(Some(Err(_)))) {
            self.sink.clone().flush()?;
        }
        Ok(match polled {
            Poll::Ready(next) => next,
            Poll::Pending => next.await,
        })
    }

    async fn write(
        &self,
        kind: StatementKind,
        execution: Execution,
        running: &Running<'_>,
        progress: &Progress,
    ) -> Result<Ended, Failure> {
        let Execution { schema, mut stream, summary, cancel, .. } = execution;
        let width = self.stdout_is_terminal.then(terminal_width);
        let is_plan = kind == StatementKind::Explain;
        let mut writer: Option<Box<dyn RowWriter>> = None;
        let mut rows = 0_u64;
        let is_mutation = kind == StatementKind::Mutation;
        let mut failure = None;
        loop {
            // A mutation ends by itself when it is cancelled, after the writes under way.
            let next = self.next(&mut stream);
            let next = if is_mutation { next.await } else { running.or_interrupted(next).await? };
            let batch = match next {
                Err(error) => {
                    cancel.cancel();
                    return Err(error.into());
                }
                Ok(None) => break,
                Ok(Some(Ok(batch))) => batch,
                Ok(Some(Err(error))) if is_mutation => {
                    failure = Some(Failure::of_mutation(error.into()));
                    break;
                }
                Ok(Some(Err(error))) => return Err(Error::from(error).into()),
            };
            rows += batch.num_rows() as u64;
            if self.stdout_is_terminal {
                progress.clear();
            }
            let written = match &mut writer {
                Some(writer) => writer.write(&batch),
                empty => output::writer(self.format, is_plan, &schema, &self.sink, width)
                    .and_then(|writer| empty.insert(writer).write(&batch)),
            };
            if let Err(error) = written {
                cancel.cancel();
                return Err(error.into());
            }
        }
        progress.clear();
        // One that failed before it changed anything has no rows to show, and no heading.
        if schema.fields().is_empty() || (failure.is_some() && writer.is_none()) {
            return Ok(Ended { rows: None, summary, shortened: None, failure });
        }
        let writer = match writer {
            Some(writer) => writer,
            None => output::writer(self.format, is_plan, &schema, &self.sink, width)?,
        };
        Ok(Ended { rows: Some(rows), summary, shortened: writer.finish()?, failure })
    }
}

type Next = Option<datafusion::common::Result<RecordBatch>>;

/// Columns of the terminal; what most have if it does not say.
pub(crate) fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
}

/// Says what went wrong with the statement at `at`, and which one it was if there are several.
pub(crate) fn report(failure: &Failure, statements: &[String], at: usize) -> Exit {
    let count = statements.len();
    let place = match statements.get(at) {
        Some(sql) if count > 1 => format!("\n  in statement {} of {count}: {}", at + 1, first_line(sql)),
        _ => String::new(),
    };
    match failure {
        Failure::Interrupted(message) => {
            messages::say(&format!("{}{place}", message.as_deref().unwrap_or("stopped")));
            Exit::Interrupted
        }
        Failure::Engine(error) if error.kind() == ErrorKind::MutationStopped => {
            messages::say(&format!("{}{place}", messages::describe(error)));
            Exit::Stopped
        }
        // The reader took what it wanted of the last result: nothing was left undone that anybody asked for.
        Failure::Output(WriteError::ReaderGone) if at + 1 == count => Exit::Done,
        Failure::Output(WriteError::ReaderGone) => {
            messages::failure(&format!("the reader of the results has gone; later statements were not run{place}"));
            Exit::Failed
        }
        other => {
            messages::failure(&format!("{}{place}", other.message()));
            Exit::Failed
        }
    }
}

fn first_line(sql: &str) -> String {
    let shown = tidegate::redact_sql(sql);
    let line = shown.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let cut: String = line.chars().take(SHOWN).collect();
    if cut.len() < shown.trim().len() { format!("{cut} …") } else { cut }
}

impl Failure {
    fn message(&self) -> String {
        match self {
            Self::Engine(error) => messages::describe(error),
            Self::Output(error) => error.to_string(),
            Self::Interrupted(message) => message.clone().unwrap_or_else(|| "stopped".to_owned()),
            Self::Declined(advice) => format!("nothing was done; {advice}"),
        }
    }

    /// A mutation that was cancelled says what it did.
    fn of_mutation(error: Error) -> Self {
        if error.is_cancelled() { Self::Interrupted(Some(error.to_string())) } else { Self::Engine(error) }
    }
}

impl From<Error> for Failure {
    /// A statement is cancelled by Ctrl-C alone; its stream may say so before the wait for it does.
    fn from(error: Error) -> Self {
        if error.is_cancelled() { Self::Interrupted(None) } else { Self::Engine(error) }
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        Self::Output(error)
    }
}

impl From<Interrupted> for Failure {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted(None)
    }
}
