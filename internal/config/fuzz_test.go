package config

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParse: any file gives either a consistent configuration or a bounded, sorted, printable list of problems.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile(examplePath)
	require.NoError(f, err)
	f.Add(example)
	f.Add(switchedOff.ReplaceAll(example, []byte("$1$2")))
	f.Add([]byte(minimal))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("orgs: {a: {auth: {token: *x}}}"))
	f.Add([]byte("? {a: b}\n: - !!binary aGk="))
	f.Add([]byte("--- {}\n--- {}"))
	f.Add([]byte(strings.Repeat("[", 5000)))

	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > maxFileBytes {
			return // Load reads no more
		}
		config, err := parse("sever.yaml", text, testEnv)
		if err == nil {
			require.NotEmpty(t, config.Orgs)
			require.NotEmpty(t, config.Sources)
			for name, source := range config.Sources {
				require.NotEmpty(t, source.Verify.Secrets, name)
				require.Contains(t, config.Orgs, source.Org)
			}

			return
		}

		require.Nil(t, config)
		var found *ProblemsError
		require.ErrorAs(t, err, &found)
		require.NotEmpty(t, found.Problems)
		require.LessOrEqual(t, len(found.Problems), maxProblems+1)
		require.True(t, slices.IsSortedFunc(found.Problems, func(a, b Problem) int { return a.Line - b.Line }))
		for _, p := range found.Problems {
			require.Positive(t, p.Line)
			require.NotEmpty(t, p.Message)
			require.NotEmpty(t, p.Fix)
			require.Less(t, len(p.String()), 4096)
			require.NotContains(t, p.String(), "\n")
		}
	})
}
