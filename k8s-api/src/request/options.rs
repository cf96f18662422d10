//! What a request can be narrowed to, once for a request itself and for what a client wraps around it.
//!
//! A line of a table has a method and the name of its parameter. `methods` writes the methods, over a `change` that gives access to the
//! request; `names` lists the parameters, which a test compares with the documents.

/// How a list's version is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VersionMatch {
    /// This version or a later one.
    NotOlderThan,
    /// This version and no other.
    Exact,
}

impl std::fmt::Display for VersionMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// What the server does with fields that it doesn't know, or that come twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldValidation {
    /// It drops them.
    Ignore,
    /// It drops them and says so in `Warning` headers, as it does when it is not told.
    Warn,
    /// It refuses the request.
    Strict,
}

impl std::fmt::Display for FieldValidation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// What becomes of the objects that a deleted object owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagation {
    /// They stay, without an owner.
    Orphan,
    /// They go after it.
    Background,
    /// They go before it.
    Foreground,
}

impl Propagation {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Propagation::Orphan => "Orphan",
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
        }
    }
}

/// The value of a field selector: `\`, `,` and `=` in it are meant as they are.
#[doc(hidden)]
pub fn __named(name: &str) -> String {
    let mut selector = "metadata.name=".to_owned();
    for c in name.chars() {
        if matches!(c, '\\' | ',' | '=') {
            selector.push('\\');
        }
        selector.push(c);
    }
    selector
}

#[doc(hidden)]
#[macro_export]
macro_rules! __options {
    (names $($(#[$doc:meta])* $method:ident($($arg:ident: $type:ty),*) $name:literal = $value:expr;)*) => {
        &[$($name),*]
    };
    (names $($(#[$doc:meta])* $method:ident($($arg:ident: $type:ty),*) $name:literal, $options:ident => $effect:expr;)*) => {
        &[$($name),*]
    };
    (methods $($(#[$doc:meta])* $method:ident($($arg:ident: $type:ty),*) $name:literal = $value:expr;)*) => {$(
        $(#[$doc])*
        pub fn $method(self $(, $arg: $type)*) -> Self {
            self.change(|request| request.__set($name, &$value))
        }
    )*};
    (methods $($(#[$doc:meta])* $method:ident($($arg:ident: $type:ty),*) $name:literal, $options:ident => $effect:expr;)*) => {$(
        $(#[$doc])*
        pub fn $method(self $(, $arg: $type)*) -> Self {
            self.change(|request| {
                let $options = request.__options();
                $effect;
            })
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __get_options {
    ($mode:ident) => {
        $crate::__options! { $mode
            /// The answer is indented, for people who read it as it is.
            pretty() "pretty" = true;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select_options {
    ($mode:ident) => {
        $crate::__options! { $mode
            /// Only objects with these labels, such as `app=api,tier in (a,b)`.
            labels(selector: &str) "labelSelector" = selector;
            /// Only objects with these fields, such as `status.phase=Running`; each kind knows only some.
            fields(selector: &str) "fieldSelector" = selector;
            /// Only the object of this name.
            only(name: &str) "fieldSelector" = $crate::request::__named(name);
            /// Only objects in these shards, as the server's documents describe them.
            shards(selector: &str) "shardSelector" = selector;
            /// A state of this version; [`version_match`](Self::version_match) says how it is meant.
            version(version: &str) "resourceVersion" = version;
            /// How the version is meant.
            version_match(how: $crate::request::VersionMatch) "resourceVersionMatch" = how;
            /// The server ends the call after so long, in whole seconds.
            timeout(after: ::std::time::Duration) "timeoutSeconds" = after.as_secs();
            /// The answer is indented, for people who read it as it is.
            pretty() "pretty" = true;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __page_options {
    ($mode:ident) => {
        $crate::__options! { $mode
            /// At most so many. Where there are more, `metadata.continue` of the answer goes into [`after`](Self::after).
            limit(limit: u32) "limit" = limit;
            /// The page after the one that ended with this token.
            after(token: &str) "continue" = token;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __watch_options {
    ($mode:ident) => {
        $crate::__options! { $mode
            /// Tells versions from time to time, without a change to tell.
            bookmarks() "allowWatchBookmarks" = true;
            /// Begins with everything there is, and a bookmark after that.
            initial_events() "sendInitialEvents" = true;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __write_options {
    ($mode:ident) => {
        $crate::__options! { $mode
            /// Nothing is stored; the answer is what would have been.
            dry_run() "dryRun" = "All";
            /// What the server does with fields that it does not know.
            field_validation(how: $crate::request::FieldValidation) "fieldValidation" = how;
            /// The answer is indented, for people who read it as it is.
            pretty() "pretty" = true;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __manager_options {
    ($mode:ident) => {
        $crate::__options! { $mode
            /// In whose name the fields are changed.
            field_manager(name: &str) "fieldManager" = name;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __force_options {
    ($mode:ident) => {
        $crate::__options! { $mode
            /// Takes over fields that another manager owns, instead of failing as a conflict.
            force() "force" = true;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __delete_options {
    ($mode:ident) => { $crate::__options! { $mode
        /// Nothing is deleted; the answer is what would have been.
        dry_run() "dryRun", options => options.dry_run = vec!["All".into()];
        /// What has so long to end by itself, in seconds; 0 is at once.
        grace_period(seconds: u32) "gracePeriodSeconds", options => options.grace_period_seconds = Some(seconds.into());
        /// What becomes of the objects that it owns.
        propagation(how: $crate::request::Propagation) "propagationPolicy", options =>
            options.propagation_policy = Some(how.as_str().into());
        /// What `propagation` has replaced.
        orphan_dependents(orphan: bool) "orphanDependents", options => options.orphan_dependents = Some(orphan);
        /// Deletes even what can't be read any more, without regard to finalizers: what belonged to it is left behind.
        even_if_unreadable() "ignoreStoreReadErrorWithClusterBreakingPotential", options =>
            options.ignore_store_read_error_with_cluster_breaking_potential = Some(true);
    } };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __precondition_options {
    ($mode:ident) => {
        $crate::__options! { $mode
            /// Fails as a conflict if it is another object of the same name.
            if_uid(uid: &str) "preconditions", options =>
                options.preconditions.get_or_insert_default().uid = Some(uid.into());
            /// Fails as a conflict if it was changed since.
            if_version(version: &str) "preconditions", options =>
                options.preconditions.get_or_insert_default().resource_version = Some(version.into());
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __log_options {
    ($mode:ident) => {
        $crate::__options! { $mode
            /// Of this container; needed where a pod has several.
            container(name: &str) "container" = name;
            /// Of the run before the last start of the container.
            previous() "previous" = true;
            /// What was written in the last so many seconds.
            since_seconds(seconds: u32) "sinceSeconds" = seconds;
            /// The last so many lines.
            tail(lines: u32) "tailLines" = lines;
            /// At most so many bytes.
            limit_bytes(bytes: u64) "limitBytes" = bytes;
            /// Every line begins with its time.
            timestamps() "timestamps" = true;
            /// `Stdout` or `Stderr` instead of both.
            stream(name: &str) "stream" = name;
            /// The API server trusts the kubelet without checking who it is: somebody in between could have written the log.
            insecure_backend() "insecureSkipTLSVerifyBackend" = true;
            /// The documents have it; a log looks the same.
            pretty() "pretty" = true;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __terminal_options {
    ($mode:ident) => {
        $crate::__options! { $mode
            /// In this container; needed where a pod has several.
            container(name: &str) "container" = name;
            /// Whether its input can be written; not, unless this says so.
            stdin(wanted: bool) "stdin" = wanted;
            /// Whether its output can be read.
            stdout(wanted: bool) "stdout" = wanted;
            /// Whether its error output can be read.
            stderr(wanted: bool) "stderr" = wanted;
            /// Whether it is a terminal, which has no error output of its own.
            tty(wanted: bool) "tty" = wanted;
        }
    };
}
