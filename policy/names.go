package policy

import (
	"fmt"
	"slices"

	"cel.dev/cel-go/common/ast"

	"sever/internal/nearest"
)

// unknownName finds a field of the signal that there is not, before cel-go does, whose
// words for it help nobody.
func unknownName(parsed *ast.AST) *Problem {
	root := ast.NavigateAST(parsed)
	for _, expr := range ast.MatchDescendants(root, ast.KindMatcher(ast.ComprehensionKind)) {
		if local := expr.AsComprehension(); isTop(local.IterVar()) || isTop(local.IterVar2()) {
			return &Problem{Message: "names a variable of its own signal, source or now", Fix: "call it otherwise"}
		}
	}
	for _, expr := range ast.MatchDescendants(root, ast.KindMatcher(ast.IdentKind)) {
		if expr.AsIdent() != "signal" {
			continue
		}
		path, tested := pathFrom(expr)
		if tested {
			return &Problem{Message: "has() is of no use: every field of a signal has a value, \"\" where it is not said", Fix: `compare it with ""`}
		}
		if !known(path) {
			return &Problem{Message: fmt.Sprintf("there is no %.100s", path), Fix: nearest.Suggest(path, factNames())}
		}
	}
	return nil
}

func isTop(name string) bool { return name == "signal" || name == "source" || name == "now" }

// pathFrom follows the selections from signal on, as far as they name a field.
func pathFrom(expr ast.NavigableExpr) (path string, tested bool) {
	path = expr.AsIdent()
	for !known(path) {
		parent, ok := expr.Parent()
		if !ok || parent.Kind() != ast.SelectKind {
			return path, false
		}
		expr = parent
		path += "." + expr.AsSelect().FieldName()
		if expr.AsSelect().IsTestOnly() {
			return path, true
		}
	}
	return path, false
}

func known(path string) bool { return slices.Contains(factNames(), path) }

func factNames() []string {
	var names []string
	for _, fact := range signalFacts() {
		names = append(names, fact.name)
	}
	return names
}
