package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretFromFile(t *testing.T) {
	t.Parallel()

	for name, test := range map[string]struct {
		content, want string
		problem       string // after the file's name
	}{
		"no line end":     {content: "s3cret", want: "s3cret"},
		"line end":        {content: "s3cret\n", want: "s3cret"},
		"Windows's":       {content: "s3cret\r\n", want: "s3cret"},
		"only one":        {content: "s3cret\n\n", want: "s3cret\n"},
		"no bare return":  {content: "s3cret\r", want: "s3cret\r"},
		"spaces are kept": {content: " s3cret \n", want: " s3cret "},
		"largest":         {content: strings.Repeat("x", maxSecretBytes), want: strings.Repeat("x", maxSecretBytes)},
		"too large":       {content: strings.Repeat("x", maxSecretBytes+1), problem: "is larger than 64 KiB"},
		"empty":           {content: "", problem: "is empty"},
		"only a line end": {content: "\r\n", problem: "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refs := references{env: testEnv, dir: t.TempDir()}
			path := filepath.Join(refs.dir, "secret")
			require.NoError(t, os.WriteFile(path, []byte(test.content), 0o600))

			for _, reference := range []string{"file:secret", "file:" + path} {
				secret, warning, problem := refs.secret(reference)
				require.Nil(t, warning)
				if test.problem != "" {
					require.Equal(t, "file "+quote(path)+" "+test.problem, problem.Message)
					require.False(t, secret.IsSet())

					continue
				}
				require.Nil(t, problem)
				require.Equal(t, test.want, secret.Reveal())
			}
		})
	}
}

func TestSecretReferencesThatDoNotResolve(t *testing.T) {
	t.Parallel()
	refs := references{env: testEnv, dir: t.TempDir()}
	require.NoError(t, os.Mkdir(filepath.Join(refs.dir, "folder"), 0o700))

	for reference, want := range map[string]string{
		"env:ABSENT":  `environment variable "ABSENT" is not set`,
		"env:EMPTY":   `environment variable "EMPTY" is empty`,
		"env:":        "env: is not followed by a variable's name",
		"env: TOKEN":  "env: is not followed by a variable's name",
		"env:1":       "env: is not followed by a variable's name",
		"file:":       "file: is not followed by a path",
		"file:absent": "file " + quote(filepath.Join(refs.dir, "absent")) + " does not exist",
		"file:folder": quote(filepath.Join(refs.dir, "folder")) + " is not a regular file",
		"file:a\x00b": "file " + quote(refs.dir+"/a\x00b") + " cannot be read",
		"s3cret":      "a secret is never written into this file",
		"":            "a secret is never written into this file",
	} {
		secret, warning, problem := refs.secret(reference)
		require.NotNil(t, problem, reference)
		require.Equal(t, want, problem.Message)
		require.NotEmpty(t, problem.Fix, reference)
		require.Nil(t, warning, reference)
		require.False(t, secret.IsSet(), reference)
	}
}

func TestFileReferences(t *testing.T) {
	t.Parallel()
	refs := references{env: testEnv, dir: t.TempDir()}
	path := filepath.Join(refs.dir, "a.creds")
	require.NoError(t, os.WriteFile(path, nil, 0o600))

	for _, reference := range []string{"file:a.creds", "file:" + path} {
		file, problem := refs.file(reference)
		require.Nil(t, problem)
		require.Equal(t, File(path), file)
	}
	for reference, want := range map[string]string{
		"a.creds":     "must name a file",
		"env:TOKEN":   "must name a file",
		"file:":       "file: is not followed by a path",
		"file:absent": "file " + quote(filepath.Join(refs.dir, "absent")) + " does not exist",
		"file:.":      quote(refs.dir) + " is not a regular file",
	} {
		file, problem := refs.file(reference)
		require.NotNil(t, problem, reference)
		require.Equal(t, want, problem.Message)
		require.Empty(t, file)
	}
}

func TestFilesThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	refs := references{env: testEnv, dir: t.TempDir()}
	path := filepath.Join(refs.dir, "locked")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o000))
	if file, err := os.Open(path); err == nil {
		_ = file.Close()
		t.Skip("this user may read everything")
	}

	_, _, problem := refs.secret("file:locked")
	require.Contains(t, problem.Message, "may not be read by this user")
	_, problem = refs.file("file:locked")
	require.Contains(t, problem.Message, "may not be read by this user")
}

func TestWarningsNameSecretFilesThatOthersCanRead(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps permissions elsewhere")
	}

	folder := t.TempDir()
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(hidden), 0o600))
		require.NoError(t, os.Chmod(path, mode)) // WriteFile's mode is subject to the umask

		return quote(path)
	}
	write("owner", 0o600)
	write("read-only", 0o400)
	group := write("group", 0o640)
	world := write("world", 0o604)
	creds := write("creds", 0o644)

	text := strings.Replace(minimal, "[env:HOOK]", "[file:owner]", 1)
	text = strings.Replace(text, "env:TOKEN", "file:group", 1)
	text += "admin:\n  token: file:world\nnats:\n  url: nats://a\n  credentials: file:creds\n"
	path := filepath.Join(folder, "sever.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644)) // holds no secret, so its own mode is free

	config, err := Load(path, testEnv)
	require.NoError(t, err)
	const fix = "chmod 600 it, unless only this service can reach its folder"
	require.Equal(t, []Problem{
		{4, "orgs.acme.auth.token", "secret file " + group + " is open to other users (mode 0640)", fix},
		{12, "admin.token", "secret file " + world + " is open to other users (mode 0604)", fix},
		{15, "nats.credentials", "secret file " + creds + " is open to other users (mode 0644)", fix},
	}, config.Warnings)
	require.NotContains(t, config.Warnings[0].String(), hidden)
}
