package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the module's, seen from this package.
const root = "../.."

// testReference is how docs/threat-model.md names a test: its folder and its function.
var testReference = regexp.MustCompile("`([a-z][a-z/]*) (Test[A-Za-z0-9_]+)`")

// A threat whose test was renamed or removed is a threat without one.
func TestThreatModelNamesTests(t *testing.T) {
	t.Parallel()
	model, err := os.ReadFile(filepath.Join(root, "docs", "threat-model.md"))
	require.NoError(t, err)
	named := testReference.FindAllStringSubmatch(string(model), -1)
	require.NotEmpty(t, named)
	tests := make(map[string]map[string]bool)
	for _, reference := range named {
		folder, test := reference[1], reference[2]
		if tests[folder] == nil {
			tests[folder] = testsIn(t, filepath.Join(root, folder))
		}
		require.True(t, tests[folder][test], "docs/threat-model.md names %s of %s, which is not there", test, folder)
	}
	// Whatever looks like a test is named in the form above, so that none goes unchecked.
	mentioned := regexp.MustCompile(`\bTest[A-Z][A-Za-z0-9_]+`).FindAllString(string(model), -1)
	require.Len(t, named, len(mentioned))
}

// testsIn are the test functions of a folder.
func testsIn(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	require.NoError(t, err)
	found := make(map[string]bool)
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, declared := range parsed.Decls {
			if function, is := declared.(*ast.FuncDecl); is && function.Recv == nil {
				found[function.Name.Name] = true
			}
		}
	}
	return found
}
