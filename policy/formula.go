package policy

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// formula is a condition as far as it can be reasoned about: comparisons of one field with
// written-out texts, joined by and, or and not. Every other part of a condition is an atom
// of its own that may be true or false; the same text is the same atom. What holds for a
// formula however its atoms turn out, holds for the condition.
type formula struct {
	op       op
	kids     []*formula
	variable string   // atoms: a field, or the text of a part that is not understood
	words    []string // atoms of a field: the texts of which it is one; nil for other atoms
}

type op int

const (
	opTrue op = iota
	opFalse
	opNot
	opAnd
	opOr
	opAtom
)

func not(f *formula) *formula       { return &formula{op: opNot, kids: []*formula{f}} }
func and(kids ...*formula) *formula { return &formula{op: opAnd, kids: kids} }
func or(kids ...*formula) *formula  { return &formula{op: opOr, kids: kids} }
func isOneOf(field string, words []string) *formula {
	return &formula{op: opAtom, variable: field, words: words}
}

func truth(holds bool) *formula {
	if holds {
		return &formula{op: opTrue}
	}
	return &formula{op: opFalse}
}

// formulaOf understands what it can of a checked condition.
func formulaOf(checked *cel.Ast) *formula {
	native := checked.NativeRep()
	return reader{native}.read(native.Expr())
}

type reader struct{ whole *ast.AST }

func (r reader) read(expr ast.Expr) *formula {
	switch expr.Kind() {
	case ast.LiteralKind:
		if value, ok := expr.AsLiteral().(types.Bool); ok {
			return truth(bool(value))
		}
	case ast.CallKind:
		if f := r.call(expr.AsCall()); f != nil {
			return f
		}
	default:
	}
	return r.opaque(expr)
}

func (r reader) call(call ast.CallExpr) *formula {
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalNot:
		return not(r.read(args[0]))
	case operators.LogicalAnd:
		return and(r.all(args)...)
	case operators.LogicalOr:
		return or(r.all(args)...)
	case operators.Conditional:
		condition := r.read(args[0])
		return or(and(condition, r.read(args[1])), and(not(condition), r.read(args[2])))
	case operators.Equals:
		return equality(args)
	case operators.NotEquals:
		if f := equality(args); f != nil {
			return not(f)
		}
	case operators.In:
		if field, ok := fieldOf(args[0]); ok {
			if words, ok := textsOf(args[1]); ok {
				return isOneOf(field, words)
			}
		}
	}
	return nil
}

func (r reader) all(args []ast.Expr) []*formula {
	read := make([]*formula, len(args))
	for i, arg := range args {
		read[i] = r.read(arg)
	}
	return read
}

// opaque is an atom for what is not understood. Its name starts with what no field's does.
func (r reader) opaque(expr ast.Expr) *formula {
	text, err := cel.ExprToString(expr, r.whole.SourceInfo())
	if err != nil {
		text = "?" + types.Int(expr.ID()).ConvertToType(types.StringType).Value().(string) //nolint:forcetypeassert // it is one
	}
	return &formula{op: opAtom, variable: "(" + text + ")"}
}

// equality is nil unless a field or a text is compared with a text.
func equality(args []ast.Expr) *formula {
	left, right := args[0], args[1]
	if _, ok := textOf(left); ok {
		left, right = right, left
	}
	word, ok := textOf(right)
	if !ok {
		return nil
	}
	if other, ok := textOf(left); ok {
		return truth(word == other)
	}
	if field, ok := fieldOf(left); ok {
		return isOneOf(field, []string{word})
	}
	return nil
}

// fieldOf names the field that an expression is; one name for two names of the same.
func fieldOf(expr ast.Expr) (field string, ok bool) {
	if expr.Kind() != ast.IdentKind {
		return "", false
	}
	if field = expr.AsIdent(); field == "signal.source" {
		field = "source"
	}
	return field, known(field)
}

func textOf(expr ast.Expr) (text string, ok bool) {
	if expr.Kind() != ast.LiteralKind {
		return "", false
	}
	value, ok := expr.AsLiteral().(types.String)
	return string(value), ok
}

func textsOf(expr ast.Expr) (texts []string, ok bool) {
	if expr.Kind() != ast.ListKind {
		return nil, false
	}
	texts = []string{}
	for _, element := range expr.AsList().Elements() {
		text, ok := textOf(element)
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}

// each calls visit for every atom.
func (f *formula) each(visit func(*formula)) {
	if f.op == opAtom {
		visit(f)
	}
	for _, kid := range f.kids {
		kid.each(visit)
	}
}

// three is what is known of a formula while only some of its variables have a value.
type three int

const (
	unknown three = iota
	yes
	no
)

func known3(holds bool) three {
	if holds {
		return yes
	}
	return no
}

// under evaluates a formula; open is a variable without a value that it depends on.
func (f *formula) under(values map[string]string) (result three, open string) {
	switch f.op {
	case opTrue:
		return yes, ""
	case opFalse:
		return no, ""
	case opNot:
		result, open = f.kids[0].under(values)
		return [...]three{unknown: unknown, yes: no, no: yes}[result], open
	case opAnd:
		return f.join(values, no, yes)
	case opOr:
		return f.join(values, yes, no)
	case opAtom:
	}
	value, has := values[f.variable]
	switch {
	case !has:
		return unknown, f.variable
	case f.words == nil:
		return known3(value == atomTrue), ""
	default:
		return known3(slices.Contains(f.words, value)), ""
	}
}

func (f *formula) join(values map[string]string, decides, otherwise three) (result three, open string) {
	result = otherwise
	for _, kid := range f.kids {
		one, needs := kid.under(values)
		if one == decides {
			return decides, ""
		}
		if one == unknown {
			if open == "" {
				open = needs
			}
			result = unknown
		}
	}
	return result, open
}

// Values of variables beside the texts that rules compare with.
const (
	atomTrue  = "true"
	atomFalse = "false"
	otherText = "\x00" // any text that no rule compares with
)

// domains are the values that each field is tried with: all that make a difference.
type domains map[string][]string

// maxSteps bounds the search; a set of rules that needs more is left unjudged.
const maxSteps = 20_000

// never reports whether a formula is false for every signal. It says no where it would have
// to search too long.
func (d domains) never(f *formula) bool {
	steps := maxSteps
	return d.search(f, make(map[string]string), &steps) == no
}

// search gives yes if some values make the formula true, no if none do, unknown if it gave up.
func (d domains) search(f *formula, values map[string]string, steps *int) three {
	if *steps == 0 {
		return unknown
	}
	*steps--
	result, open := f.under(values)
	if result != unknown {
		return result
	}
	tried, isField := d[open]
	if !isField {
		tried = []string{atomTrue, atomFalse}
	}
	result = no
	for _, value := range tried {
		values[open] = value
		if result = d.search(f, values, steps); result != no {
			break
		}
	}
	delete(values, open)
	return result
}
