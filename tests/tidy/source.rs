//! Rust text as `tidy` sees it: tokens without comments and literals, paths with `use` expanded.
//!
//! A small lexer, not a parser: it knows comments (nested too), strings (raw too), characters and
//! lifetimes, and nothing of macros. What stands in a comment or a string names nothing.

/// One file, with its tokens.
pub(crate) struct Source {
    /// Relative to the root of the workspace, with `/` on every system.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
}

/// A word, a number, `::`, or one character of punctuation. A literal is the token `""`.
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A path as it stands in the text, `use` groups taken apart, `crate`, `self` and `super` resolved.
pub(crate) struct Named {
    /// Without `crate`, where `local` says that it leads from the root of its crate.
    pub(crate) segments: Vec<String>,
    pub(crate) local: bool,
    pub(crate) alias: Option<String>,
    pub(crate) line: usize,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned(), tokens: lex(text) }
    }

    pub(crate) fn is_under(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            self.path == *place || (place.ends_with('/') && self.path.starts_with(place))
        })
    }

    /// The lines on which `word` stands as a word of the program.
    pub(crate) fn lines_with<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.tokens.iter().filter(move |token| token.text == word).map(|token| token.line)
    }

    /// The path of the module that this file is, from the root of its crate.
    pub(crate) fn module(&self) -> Vec<String> {
        let inside = self.path.split_once("src/").map_or(self.path.as_str(), |(_, rest)| rest);
        let inside = inside.trim_end_matches(".rs").trim_end_matches("/mod");
        if inside == "lib" {
            return Vec::new();
        }
        inside.split('/').map(str::to_owned).collect()
    }

    /// Every path that the file names.
    pub(crate) fn paths(&self) -> Vec<Named> {
        let mut reader = PathReader {
            tokens: &self.tokens,
            at: 0,
            module: self.module(),
            inline: Vec::new(),
            depth: 0,
            found: Vec::new(),
        };
        reader.read_all();
        reader.found
    }
}

struct PathReader<'a> {
    tokens: &'a [Token],
    at: usize,
    module: Vec<String>,
    /// The brace depth at which each inline module that is open began.
    inline: Vec<usize>,
    depth: usize,
    found: Vec<Named>,
}

impl PathReader<'_> {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    fn read_all(&mut self) {
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "mod" if is_word(self.peek(1)) && self.peek(2) == "{" => {
                    self.module.push(self.peek(1).to_owned());
                    self.inline.push(self.depth);
                    self.depth += 1;
                    self.at += 3;
                }
                "{" => {
                    self.depth += 1;
                    self.at += 1;
                }
                "}" => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.inline.last() == Some(&self.depth) {
                        self.inline.pop();
                        self.module.pop();
                    }
                    self.at += 1;
                }
                "." => self.at += 2,
                // `pub(crate)` and `pub(super)` say who may look in, not what is looked at.
                "pub" if self.peek(1) == "(" => {
                    while !matches!(self.peek(0), ")" | "") {
                        self.at += 1;
                    }
                }
                word if is_word(word) => self.read_path(Vec::new()),
                _ => self.at += 1,
            }
        }
    }

    /// Reads one path that begins at a word, or a group behind `prefix::`.
    fn read_path(&mut self, mut segments: Vec<String>) {
        let line = self.tokens[self.at].line;
        loop {
            match self.peek(0) {
                "{" => return self.read_group(&segments),
                "*" => segments.push("*".to_owned()),
                word if is_word(word) => segments.push(word.to_owned()),
                _ => break,
            }
            self.at += 1;
            if self.peek(0) != "::" {
                break;
            }
            self.at += 1;
        }
        let mut alias = None;
        if self.peek(0) == "as" && is_word(self.peek(1)) {
            alias = Some(self.peek(1).to_owned());
            self.at += 2;
        }
        self.add(segments, alias, line);
    }

    fn read_group(&mut self, prefix: &[String]) {
        self.at += 1;
        while self.at < self.tokens.len() && self.peek(0) != "}" {
            match self.peek(0) {
                word if word == "*" || is_word(word) => self.read_path(prefix.to_vec()),
                _ => self.at += 1,
            }
        }
        self.at += 1;
    }

    fn add(&mut self, mut segments: Vec<String>, alias: Option<String>, line: usize) {
        // `use a::b::{self}` names `a::b`.
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let mut base = match segments.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self") if segments.len() > 1 => self.module.clone(),
            Some("super") => self.module.clone(),
            _ => return self.found.push(Named { segments, local: false, alias, line }),
        };
        let mut rest = segments.into_iter().peekable();
        while rest.peek().is_some_and(|name| matches!(name.as_str(), "crate" | "self" | "super")) {
            if rest.next().is_some_and(|name| name == "super") {
                base.pop();
            }
        }
        base.extend(rest);
        self.found.push(Named { segments: base, local: true, alias, line });
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Takes a text apart. Never fails: what is not Rust gives tokens that no rule looks for.
pub(crate) fn lex(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, line: 1, tokens: Vec::new() };
    while lexer.at < lexer.chars.len() {
        lexer.step();
    }
    lexer.tokens
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn advance(&mut self, count: usize) {
        for _ in 0..count {
            self.line += usize::from(self.peek(0) == '\n');
            self.at += 1;
        }
    }

    fn emit(&mut self, text: String, length: usize) {
        self.tokens.push(Token { text, line: self.line });
        self.advance(length);
    }

    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.skip_while(|c| c != '\n'),
            ('/', '*') => self.skip_block_comment(),
            ('"', _) => self.string(),
            ('\'', _) => self.character_or_lifetime(),
            (':', ':') => self.emit("::".to_owned(), 2),
            (c, _) if c.is_alphabetic() || c == '_' => self.word(),
            (c, _) if c.is_ascii_digit() => {
                self.emit("0".to_owned(), 1);
                self.skip_while(|c| c.is_alphanumeric() || c == '_');
            }
            (c, _) if c.is_whitespace() => self.advance(1),
            (c, _) => self.emit(c.to_string(), 1),
        }
    }

    fn skip_while(&mut self, test: impl Fn(char) -> bool) {
        while self.at < self.chars.len() && test(self.peek(0)) {
            self.advance(1);
        }
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ if self.at >= self.chars.len() => return,
                _ => {
                    self.advance(1);
                    continue;
                }
            }
            self.advance(2);
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.emit("\"\"".to_owned(), 1);
        while self.at < self.chars.len() && self.peek(0) != '"' {
            self.advance(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        self.advance(1);
    }

    fn character_or_lifetime(&mut self) {
        if self.peek(1) == '\\' {
            self.emit("\"\"".to_owned(), 3);
            self.skip_while(|c| c != '\'');
            self.advance(1);
        } else if self.peek(2) == '\'' {
            self.emit("\"\"".to_owned(), 3);
        } else {
            self.advance(1);
            self.skip_while(|c| c.is_alphanumeric() || c == '_');
        }
    }

    fn word(&mut self) {
        let mut length = 0;
        while self.peek(length).is_alphanumeric() || self.peek(length) == '_' {
            length += 1;
        }
        let word: String = self.chars[self.at..self.at + length].iter().collect();
        let mut hashes = 0;
        while matches!(word.as_str(), "r" | "br" | "cr") && self.peek(length + hashes) == '#' {
            hashes += 1;
        }
        let raw = matches!(word.as_str(), "r" | "br" | "cr") && self.peek(length + hashes) == '"';
        if raw {
            self.emit("\"\"".to_owned(), length + hashes + 1);
            self.skip_raw_string(hashes);
        } else if hashes > 0 {
            // A raw identifier: the name behind `r#` is read next.
            self.advance(length + hashes);
        } else {
            self.emit(word, length);
        }
    }

    fn skip_raw_string(&mut self, hashes: usize) {
        while self.at < self.chars.len() {
            let closes = self.peek(0) == '"' && (1..=hashes).all(|n| self.peek(n) == '#');
            self.advance(1);
            if closes {
                return self.advance(hashes);
            }
        }
    }
}
