package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

// Bounds of expressions. One unit of cost is roughly one step of the interpreter, tens of
// nanoseconds: an expression has about a tenth of a second, and a delivery one or two.
const (
	maxExpression   = 4000      // characters
	maxExprCost     = 1_000_000 // of one evaluation
	maxDeliveryCost = 10_000_000
	maxRegexProgram = 2000 // instructions of a compiled regular expression
)

// errTooCostly stops a delivery whose items cost too much to look at.
var errTooCostly = errors.New("its expressions cost too much to evaluate: the body is too large for what they do with it")

// budget is what the expressions of one delivery may still cost.
type budget struct{ left uint64 }

func (b *budget) spend(cost uint64) error {
	if cost > b.left {
		b.left = 0
		return errTooCostly
	}
	b.left -= cost
	return nil
}

// newEnv is what expressions may use: no clock and nothing else that changes, so that
// a delivery that is decoded again gives the same signals.
func newEnv() (*cel.Env, error) {
	env, err := cel.NewEnv(
		cel.Variable("item", cel.DynType),
		cel.Variable("body", cel.DynType),
		cel.Variable("header", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("type", cel.StringType),
		cel.OptionalTypes(),
		ext.Strings(ext.StringsVersion(4)), // pinned: a later version must not change a configuration's meaning
		cel.CrossTypeNumericComparisons(true),
		cel.EnableIdentifierEscapeSyntax(),
		cel.DefaultUTCTimeZone(true),
		cel.CustomTypeAdapter(jsonAdapter{}),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.RegexProgramSizeLimit(maxRegexProgram),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare expressions: %w", err)
	}
	return env, nil
}

// expression is a compiled CEL expression.
type expression struct{ program cel.Program }

// shape is what a place in the settings wants of an expression.
type shape int

const (
	wantText  shape = iota // a text or a number
	wantTexts              // the same, or a list of them
	wantList
	wantBool
)

func (s shape) String() string {
	return [...]string{"a text", "a text or a list of texts", "a list", "true or false"}[s]
}

func compileExpression(env *cel.Env, text string, want shape) (*expression, error) {
	compiled, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, fmt.Errorf("does not compile: %s", firstLine(err.Error()))
	}
	if !want.takes(compiled.OutputType()) {
		return nil, fmt.Errorf("gives %s where %s is wanted", compiled.OutputType(), want)
	}
	if !constantPatterns(compiled) {
		return nil, errors.New("uses matches with a pattern that is not written out: what a sender sends must not be one")
	}
	program, err := env.Program(compiled, cel.CostLimit(maxExprCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("does not compile: %s", firstLine(err.Error()))
	}
	return &expression{program: program}, nil
}

// constantPatterns reports whether all regular expressions are written in the expression
// itself, where their size was checked.
func constantPatterns(compiled *cel.Ast) bool {
	calls := ast.MatchDescendants(ast.NavigateAST(compiled.NativeRep()), ast.FunctionMatcher("matches"))
	return !slices.ContainsFunc(calls, func(call ast.NavigableExpr) bool {
		args := call.AsCall().Args()
		return args[len(args)-1].Kind() != ast.LiteralKind
	})
}

// takes reports whether a value of the type can be what is wanted. What comes from the
// body has no type before it is there.
func (s shape) takes(output *cel.Type) bool {
	if output.Kind() == types.OpaqueKind && output.TypeName() == "optional_type" {
		return s.takes(output.Parameters()[0])
	}
	kind := output.Kind()
	switch {
	case kind == types.DynKind:
		return true
	case s == wantBool:
		return kind == types.BoolKind
	case s == wantList:
		return kind == types.ListKind
	case s == wantTexts && kind == types.ListKind:
		return wantText.takes(output.Parameters()[0])
	default:
		return slices.Contains([]types.Kind{types.StringKind, types.IntKind, types.UintKind, types.DoubleKind, types.TimestampKind}, kind)
	}
}

func firstLine(text string) string {
	text = strings.TrimPrefix(text, "ERROR: <input>:")
	line, _, _ := strings.Cut(text, "\n")
	return printable(line, 200)
}

// eval gives the value of the expression; nothing if it asks for something that is not
// there. An error other than errTooCostly is an evalError.
func (e *expression) eval(s *scope) (value any, found bool, err error) {
	result, details, err := e.program.Eval(map[string]any{
		"item": s.item, "body": s.body, "header": s.header, "type": s.kind,
	})
	if details != nil && details.ActualCost() != nil {
		if err := s.cost.spend(*details.ActualCost()); err != nil {
			return nil, false, err
		}
	}
	switch {
	case err == nil:
	case isMissing(err):
		return nil, false, nil
	default:
		return nil, false, evalError(whyFailed(err))
	}
	if optional, ok := result.(*types.Optional); ok {
		if !optional.HasValue() {
			return nil, false, nil
		}
		result = optional.GetValue()
	}
	value, err = native(result, maxNative)
	return value, err == nil, err
}

// evalError says in fixed words why an expression could not be evaluated: what cel-go
// says may quote the body.
type evalError string

func (e evalError) Error() string { return string(e) }

// isMissing tells a key or an element that is not there from all other errors. cel-go
// has a type for it, but does not export it.
func isMissing(err error) bool {
	for _, start := range []string{"no such key: ", "index out of bounds: ", "no such attribute"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

func whyFailed(err error) string {
	switch text := err.Error(); {
	case strings.HasPrefix(text, "no such overload"):
		return "its expression does with a value what cannot be done with a value of that type"
	case strings.Contains(text, "cost limit exceeded"):
		return "its expression costs too much to evaluate"
	default:
		return "its expression cannot be evaluated"
	}
}
