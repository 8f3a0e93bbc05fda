//! What is said of one address.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};
use wire::Code;

/// The chapter that an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Runs,
    Events,
    Steering,
    Threads,
    Agents,
    OpenAi,
    AiSdk,
    AgUi,
    Access,
    Operations,
}

impl Group {
    pub(crate) const ALL: [Self; 10] = [
        Self::Runs,
        Self::Events,
        Self::Steering,
        Self::Threads,
        Self::Agents,
        Self::OpenAi,
        Self::AiSdk,
        Self::AgUi,
        Self::Access,
        Self::Operations,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Runs => "Runs",
            Self::Events => "Events",
            Self::Steering => "Steering a run",
            Self::Threads => "Threads",
            Self::Agents => "Agents",
            Self::OpenAi => "OpenAI Responses",
            Self::AgUi => "AG-UI",
            Self::AiSdk => "AI SDK",
            Self::Access => "Access",
            Self::Operations => "Operations",
        }
    }
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Query,
    Header,
}

/// A parameter beside the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) place: Place,
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) required: bool,
}

/// A type of `wire`.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) name: fn() -> Cow<'static, str>,
    pub(crate) schema: fn() -> RefOr<Schema>,
    pub(crate) inner: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    pub(crate) fn of<T: ToSchema>() -> Self {
        Self {
            name: T::name,
            schema: <T as PartialSchema>::schema,
            inner: T::schemas,
        }
    }
}

/// One way to be answered.
#[derive(Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: &'static str,
    pub(crate) shape: Option<Shape>,
    pub(crate) media_type: &'static str,
}

/// What is said of one address.
#[derive(Clone)]
pub(crate) struct Doc {
    pub(crate) group: Group,
    pub(crate) summary: &'static str,
    pub(crate) text: &'static str,
    /// The right that a credential needs; none where no credential is needed.
    pub(crate) right: Option<&'static str>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<(Shape, bool)>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) codes: &'static [Code],
}

impl Doc {
    pub(crate) fn new(group: Group, summary: &'static str) -> Self {
        Self {
            group,
            summary,
            text: "",
            right: None,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            codes: &[],
        }
    }

    pub(crate) fn text(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }

    pub(crate) fn right(mut self, right: &'static str) -> Self {
        self.right = Some(right);
        self
    }

    pub(crate) fn query(mut self, name: &'static str, text: &'static str) -> Self {
        self.parameters.push(Parameter {
            place: Place::Query,
            name,
            text,
            required: false,
        });
        self
    }

    pub(crate) fn required(mut self) -> Self {
        if let Some(last) = self.parameters.last_mut() {
            last.required = true;
        }
        self
    }

    pub(crate) fn header(mut self, name: &'static str, text: &'static str) -> Self {
        self.parameters.push(Parameter {
            place: Place::Header,
            name,
            text,
            required: false,
        });
        self
    }

    pub(crate) fn body<T: ToSchema>(mut self) -> Self {
        self.body = Some((Shape::of::<T>(), true));
        self
    }

    pub(crate) fn optional_body<T: ToSchema>(mut self) -> Self {
        self.body = Some((Shape::of::<T>(), false));
        self
    }

    pub(crate) fn json<T: ToSchema>(mut self, status: u16, text: &'static str) -> Self {
        self.answers.push(Answer {
            status,
            text,
            shape: Some(Shape::of::<T>()),
            media_type: "application/json",
        });
        self
    }

    pub(crate) fn plain(
        mut self,
        status: u16,
        media_type: &'static str,
        text: &'static str,
    ) -> Self {
        self.answers.push(Answer {
            status,
            text,
            shape: None,
            media_type,
        });
        self
    }

    pub(crate) fn stream(self, text: &'static str) -> Self {
        self.plain(200, "text/event-stream", text)
    }

    pub(crate) fn empty(self, status: u16, text: &'static str) -> Self {
        self.plain(status, "", text)
    }

    pub(crate) fn codes(mut self, codes: &'static [Code]) -> Self {
        self.codes = codes;
        self
    }
}
