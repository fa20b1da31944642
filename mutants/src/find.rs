//! Finds the places of a source file that can be broken, and how: the rules of cargo-mutants, and
//! beside them the bodies of `unsafe` functions, which it leaves alone.
//!
//! A place is not broken in the text. What is found here is what to put around it so that it
//! breaks at run time, when the mutant's number is called: see `rewrite`.

use std::ops::Range;

use proc_macro2::Span;
use syn::{
    Attribute, BinOp, Block, Expr, ImplItemFn, ItemFn, Meta, Pat, Signature, Token, TraitItemFn,
    UnOp, punctuated::Punctuated, spanned::Spanned, visit::Visit,
};

use crate::values;

/// One way to break one place.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    /// What is done and where, without line and column, which change with every edit.
    pub(crate) what: String,
    /// In a constant: it cannot be switched at run time.
    pub(crate) is_constant: bool,
    /// Stands in its replacement until the compiler has said whether it holds: a proof that what
    /// replaces has the same value.
    pub(crate) proof: Option<String>,
}

impl Mutant {
    /// What it is known by from one version of the library to the next.
    pub(crate) fn name(&self) -> (String, String) {
        (self.file.clone(), self.what.clone())
    }
}

/// The switch of a mutant in a constant, until it is known which one is compiled.
pub(crate) const CONSTANT_SWITCH: &str = "THE_CONSTANT_IS";

/// Text to put before and after a range of a file.
pub(crate) struct Wrap {
    pub(crate) range: Range<usize>,
    /// In the order of the text; what belongs to one mutant alone has its number.
    pub(crate) before: Vec<(Option<usize>, String)>,
    pub(crate) after: String,
}

/// What holds in the configuration that is built: `name` or `name = "value"`.
pub(crate) struct Cfgs<'a>(pub(crate) &'a [&'a str]);

pub(crate) struct Finder<'a> {
    file: &'a str,
    text: &'a str,
    cfgs: &'a Cfgs<'a>,
    /// The path of the switch, as this file names it.
    switch: &'a str,
    names: Vec<String>,
    pub(crate) mutants: &'a mut Vec<Mutant>,
    pub(crate) wraps: Vec<Wrap>,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(
        file: &'a str,
        text: &'a str,
        cfgs: &'a Cfgs<'a>,
        mutants: &'a mut Vec<Mutant>,
    ) -> Finder<'a> {
        let switch = match file.starts_with("sys/") {
            true => "crate::mutant::on",
            false => "edgewake_sys::mutant::on",
        };
        Finder { file, text, cfgs, switch, names: Vec::new(), mutants, wraps: Vec::new() }
    }

    fn source(&self, range: Range<usize>) -> &'a str {
        &self.text[range]
    }

    fn mutant(&mut self, at: Span, what: String) -> usize {
        let start = at.start();
        let what = match self.names.is_empty() {
            true => what,
            false => format!("{what} in {}", self.names.join("::")),
        };
        self.mutants.push(Mutant {
            file: self.file.to_owned(),
            line: start.line,
            column: start.column + 1,
            what,
            is_constant: self.switch == CONSTANT_SWITCH,
            proof: None,
        });
        self.mutants.len() - 1
    }

    /// Looks at a constant, which has a name of its own.
    fn constant(&mut self, name: &str, value: &Expr) {
        let switch = std::mem::replace(&mut self.switch, CONSTANT_SWITCH);
        self.names.push(name.to_owned());
        self.visit_expr(value);
        self.names.pop();
        self.switch = switch;
    }

    fn call(&self, id: usize) -> String {
        format!("{}({id})", self.switch)
    }

    /// `replace` stands beside the whole: `(if on(1) { replaced } else { whole })`.
    fn alternatives(&mut self, range: Range<usize>, found: Vec<(usize, String)>) {
        let mut before = vec![(None, "(".to_owned())];
        for (id, replacement) in found {
            before.push((None, format!("if {} {{ ", self.call(id))));
            before.push((Some(id), replacement));
            before.push((None, " } else ".to_owned()));
        }
        before.push((None, "{ ".to_owned()));
        self.wraps.push(Wrap { range, before, after: " })".to_owned() });
    }

    fn body(&mut self, signature: &Signature, block: &Block) {
        let (Some(first), Some(_)) = (block.stmts.first(), block.stmts.last()) else { return };
        let open = block.brace_token.span.open().byte_range().end;
        let close = block.brace_token.span.close().byte_range().start;
        let original = normal(self.source(open..close));
        let output = match &signature.output {
            syn::ReturnType::Default => String::new(),
            syn::ReturnType::Type(_, kind) => {
                format!(" -> {}", normal(self.source(kind.span().byte_range())))
            }
        };
        let mut before = Vec::new();
        for value in values::of_return(&signature.output) {
            if original == normal(&value) {
                continue;
            }
            let name = self.names.join("::");
            let what = format!("replace {name}{output} with {value}");
            let start = first.span().start();
            self.mutants.push(Mutant {
                file: self.file.to_owned(),
                line: start.line,
                column: start.column + 1,
                what,
                is_constant: false,
                proof: None,
            });
            let id = self.mutants.len() - 1;
            before.push((None, format!(" if {} {{ return ", self.call(id))));
            before.push((Some(id), value));
            before.push((None, "; } ".to_owned()));
        }
        self.wraps.push(Wrap { range: open..close, before, after: String::new() });
    }

    fn function(&mut self, signature: &Signature, attributes: &[Attribute], block: &Block) -> bool {
        if self.is_out(attributes) || block.stmts.is_empty() {
            return false;
        }
        self.names.push(signature.ident.to_string());
        self.body(signature, block);
        true
    }

    /// Not compiled in this configuration, or for tests.
    fn is_out(&self, attributes: &[Attribute]) -> bool {
        attributes.iter().any(|attribute| {
            attribute.path().is_ident("test")
                || attribute.path().is_ident("cfg")
                    && matches!(&attribute.meta, Meta::List(list)
                        if !list.parse_args().is_ok_and(|meta| self.cfgs.holds(&meta)))
        })
    }
}

impl Cfgs<'_> {
    fn holds(&self, meta: &Meta) -> bool {
        match meta {
            Meta::Path(path) => path.get_ident().is_some_and(|name| self.has(&name.to_string())),
            Meta::NameValue(pair) => {
                let Expr::Lit(literal) = &pair.value else { return false };
                let syn::Lit::Str(value) = &literal.lit else { return false };
                let name = pair.path.get_ident().map(ToString::to_string).unwrap_or_default();
                // Every feature is on.
                name == "feature" || self.has(&format!("{name}={}", value.value()))
            }
            Meta::List(list) => {
                let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
                let inner = inner.unwrap_or_default();
                let name = list.path.get_ident().map(ToString::to_string).unwrap_or_default();
                match name.as_str() {
                    "not" => !inner.iter().any(|meta| self.holds(meta)),
                    "any" => inner.iter().any(|meta| self.holds(meta)),
                    _ => inner.iter().all(|meta| self.holds(meta)),
                }
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

/// Without white space, so that texts can be compared and named.
fn normal(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Of two constants without a bit in common, `|` and `^` make the same, and so do shifts by nothing.
/// A constant of its own is evaluated wherever it stands, and does not compile where an operand is
/// no constant. It does not know what `Self` is: `this` does.
fn proof(this: &str, left: &str, operator: &str, other: &str, right: &str) -> Option<String> {
    matches!((operator, other), ("|", "^") | ("<<", ">>")).then(|| {
        let whole = |operator| format!("(({left}) {operator} ({right}))");
        let proof = format!("const _: () = assert!({} == {}); ", whole(operator), whole(other));
        proof.replace("Self::", &format!("{this}::"))
    })
}

/// What an operator is replaced by: cargo-mutants' table.
fn operators(operator: &BinOp) -> &'static [&'static str] {
    match operator {
        BinOp::Eq(_) => &["!="],
        BinOp::Ne(_) => &["=="],
        BinOp::And(_) => &["||"],
        BinOp::Or(_) => &["&&"],
        BinOp::Lt(_) => &["==", ">", "<="],
        BinOp::Gt(_) => &["==", "<", ">="],
        BinOp::Le(_) => &[">"],
        BinOp::Ge(_) => &["<"],
        BinOp::Add(_) => &["-", "*"],
        BinOp::AddAssign(_) => &["-=", "*="],
        BinOp::Sub(_) | BinOp::Mul(_) => &["+", "/"],
        BinOp::SubAssign(_) | BinOp::MulAssign(_) => &["+=", "/="],
        BinOp::Div(_) => &["%", "*"],
        BinOp::DivAssign(_) => &["%=", "*="],
        BinOp::Rem(_) => &["/", "+"],
        BinOp::RemAssign(_) => &["/=", "+="],
        BinOp::Shl(_) => &[">>"],
        BinOp::ShlAssign(_) => &[">>="],
        BinOp::Shr(_) => &["<<"],
        BinOp::ShrAssign(_) => &["<<="],
        BinOp::BitAnd(_) => &["|", "^"],
        BinOp::BitAndAssign(_) => &["|="],
        BinOp::BitOr(_) => &["&", "^"],
        BinOp::BitOrAssign(_) => &["&="],
        BinOp::BitXor(_) => &["|", "&"],
        BinOp::BitXorAssign(_) => &["|=", "&="],
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        if self.function(&item.sig, &item.attrs, &item.block) {
            syn::visit::visit_item_fn(self, item);
            self.names.pop();
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if item.sig.ident != "new" && self.function(&item.sig, &item.attrs, &item.block) {
            syn::visit::visit_impl_item_fn(self, item);
            self.names.pop();
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        let Some(block) = &item.default else { return };
        if item.sig.ident != "new" && self.function(&item.sig, &item.attrs, block) {
            syn::visit::visit_trait_item_fn(self, item);
            self.names.pop();
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if self.is_out(&item.attrs) {
            return;
        }
        let kind = normal(self.source(item.self_ty.span().byte_range()));
        let name = match &item.trait_ {
            Some((_, path, _)) if path.is_ident("Default") => return,
            Some((_, path, _)) => {
                format!("<impl {} for {kind}>", normal(self.source(path.span().byte_range())))
            }
            None => kind,
        };
        self.names.push(name);
        syn::visit::visit_item_impl(self, item);
        self.names.pop();
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if !self.is_out(&item.attrs) {
            self.names.push(item.ident.to_string());
            syn::visit::visit_item_trait(self, item);
            self.names.pop();
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !self.is_out(&item.attrs) {
            self.names.push(item.ident.to_string());
            syn::visit::visit_item_mod(self, item);
            self.names.pop();
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if !self.is_out(&item.attrs) && item.ident != "_" {
            self.constant(&item.ident.to_string(), &item.expr);
        }
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        if !self.is_out(&item.attrs) {
            self.constant(&item.ident.to_string(), &item.expr);
        }
    }

    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        let attributes = match statement {
            syn::Stmt::Local(local) => &local.attrs[..],
            syn::Stmt::Expr(expression, _) => attributes_of(expression),
            _ => &[],
        };
        if !self.is_out(attributes) {
            syn::visit::visit_stmt(self, statement);
        }
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !self.is_out(&field.attrs) {
            syn::visit::visit_field_value(self, field);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.method != "with_capacity" {
            syn::visit::visit_expr_method_call(self, call);
        }
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let is_let = |side: &Expr| matches!(side, Expr::Let(_));
        let left = self.source(binary.left.span().byte_range());
        let right = self.source(binary.right.span().byte_range());
        let operator = self.source(binary.op.span().byte_range());
        let mut found = Vec::new();
        if !is_let(&binary.left) && !is_let(&binary.right) {
            for other in operators(&binary.op) {
                let what = format!("replace {operator} with {other}");
                let id = self.mutant(binary.op.span(), what);
                let mut replacement = format!("{left} {other} {right}");
                let this = self.names.first().map_or("Self", String::as_str);
                if let Some(proof) = proof(this, left, operator, other, right) {
                    replacement.insert_str(0, &proof);
                    self.mutants[id].proof = Some(proof);
                }
                found.push((id, replacement));
            }
        }
        if !found.is_empty() {
            self.alternatives(binary.span().byte_range(), found);
        }
        syn::visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let name = match unary.op {
            UnOp::Not(_) => "!",
            UnOp::Neg(_) => "-",
            _ => return syn::visit::visit_expr_unary(self, unary),
        };
        let id = self.mutant(unary.op.span(), format!("delete {name}"));
        let operand = self.source(unary.expr.span().byte_range()).to_owned();
        self.alternatives(unary.span().byte_range(), vec![(id, operand)]);
        syn::visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_match(&mut self, whole: &'ast syn::ExprMatch) {
        let any = whole.arms.iter().any(|arm| matches!(arm.pat, Pat::Wild(_)));
        for arm in whole.arms.iter().filter(|arm| !self.is_out(&arm.attrs)).collect::<Vec<_>>() {
            let pattern = arm.pat.span().byte_range();
            if let Some((_, guard)) = &arm.guard {
                let yes = self.mutant(guard.span(), "replace match guard with true".to_owned());
                let no = self.mutant(guard.span(), "replace match guard with false".to_owned());
                let text = format!("({} || (!{} && (", self.call(yes), self.call(no));
                let before = vec![(None, text)];
                let range = guard.span().byte_range();
                self.wraps.push(Wrap { range, before, after: ")))".to_owned() });
            } else if any && !matches!(arm.pat, Pat::Wild(_)) {
                let what = format!("delete match arm {}", normal(self.source(pattern.clone())));
                let id = self.mutant(arm.span(), what);
                let after = format!(" if !{}", self.call(id));
                self.wraps.push(Wrap { range: pattern, before: Vec::new(), after });
            }
        }
        syn::visit::visit_expr_match(self, whole);
    }

    fn visit_expr_struct(&mut self, whole: &'ast syn::ExprStruct) {
        if let Some(rest) = &whole.rest {
            let kind = normal(self.source(whole.path.span().byte_range()));
            let rest = self.source(rest.span().byte_range());
            for field in whole.fields.iter().filter(|field| field.colon_token.is_some()) {
                let syn::Member::Named(name) = &field.member else { continue };
                let what = format!("delete field {name} from struct {kind} expression");
                let id = self.mutant(field.span(), what);
                let range = field.expr.span().byte_range();
                self.alternatives(range, vec![(id, format!("({rest}).{name}"))]);
            }
        }
        syn::visit::visit_expr_struct(self, whole);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !self.is_out(&arm.attrs) {
            syn::visit::visit_arm(self, arm);
        }
    }
}

fn attributes_of(expression: &Expr) -> &[Attribute] {
    match expression {
        Expr::Block(inner) => &inner.attrs,
        Expr::Unsafe(inner) => &inner.attrs,
        Expr::If(inner) => &inner.attrs,
        Expr::Match(inner) => &inner.attrs,
        Expr::Call(inner) => &inner.attrs,
        Expr::MethodCall(inner) => &inner.attrs,
        Expr::Assign(inner) => &inner.attrs,
        Expr::Binary(inner) => &inner.attrs,
        Expr::Return(inner) => &inner.attrs,
        Expr::Macro(inner) => &inner.attrs,
        Expr::Struct(inner) => &inner.attrs,
        _ => &[],
    }
}
