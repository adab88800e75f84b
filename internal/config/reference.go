package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

const (
	referencePattern = `^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$`
	filePattern      = `^file:.+$`
	referenceFix     = "write env:NAME or file:PATH"
	maxSecretBytes   = 64 << 10
)

var envNameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// references resolves env: and file: values. Messages name variables and paths, never what they hold, and never
// text that is neither.
type references struct {
	env Lookup
	dir string // of the configuration file; relative file: paths start here

	needed Needs // the rest is not read
}

// unread checks the form of a reference that this process does not need.
func (r references) unread(text string) *Problem {
	if name, ok := strings.CutPrefix(text, "env:"); ok && envNameForm.MatchString(name) {
		return nil
	}
	if path, ok := strings.CutPrefix(text, "file:"); ok && path != "" {
		return nil
	}

	return &Problem{Message: "a secret is never written into this file", Fix: referenceFix + ", and replace the secret if it was real"}
}

func (r references) secret(text string) (s Secret, warning, problem *Problem) {
	if name, ok := strings.CutPrefix(text, "env:"); ok {
		s, problem = r.fromEnv(name)

		return s, nil, problem
	}
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		return r.fromFile(path)
	}

	return Secret{}, nil, &Problem{
		Message: "a secret is never written into this file",
		Fix:     referenceFix + ", and replace the secret if it was real",
	}
}

func (r references) fromEnv(name string) (Secret, *Problem) {
	if !envNameForm.MatchString(name) {
		return Secret{}, &Problem{Message: "env: is not followed by a variable's name", Fix: "write env:NAME, with NAME of A-Z, 0-9 and _"}
	}
	value, set := r.env(name)
	switch {
	case !set:
		return Secret{}, &Problem{Message: "environment variable " + quote(name) + " is not set", Fix: "set it, or name another"}
	case value == "":
		return Secret{}, &Problem{Message: "environment variable " + quote(name) + " is empty", Fix: "put the secret into it"}
	default:
		return newSecret(value), nil
	}
}

func (r references) fromFile(path string) (s Secret, warning, problem *Problem) {
	path, info, problem := r.stat(path)
	if problem != nil {
		return Secret{}, nil, problem
	}
	text, err := readSecretFile(path)
	if err != nil {
		return Secret{}, nil, unreadable(path, err)
	}
	if len(text) > maxSecretBytes {
		return Secret{}, nil, &Problem{Message: "file " + quote(path) + " is larger than 64 KiB", Fix: "name the file that holds only the secret"}
	}

	value := trimNewline(string(text))
	if value == "" {
		return Secret{}, nil, &Problem{Message: "file " + quote(path) + " is empty", Fix: "put the secret into it"}
	}

	return newSecret(value), openToOthers(path, info), nil
}

func (r references) file(text string) (File, *Problem) {
	path, ok := strings.CutPrefix(text, "file:")
	if !ok {
		return "", &Problem{Message: "must name a file", Fix: "write file:PATH"}
	}
	path, _, problem := r.stat(path)
	if problem != nil {
		return "", problem
	}
	opened, err := os.Open(path)
	if err != nil {
		return "", unreadable(path, err)
	}
	_ = opened.Close()

	return File(path), nil
}

// stat resolves path and makes sure that reading it ends: a pipe or a device could block the start for ever.
func (r references) stat(path string) (string, fs.FileInfo, *Problem) {
	if path == "" {
		return "", nil, &Problem{Message: "file: is not followed by a path", Fix: "write file:PATH"}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return "", nil, &Problem{Message: quote(path) + " is not a regular file", Fix: "name a regular file"}
	}

	return path, info, nil
}

func readSecretFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open secret: %w", err)
	}
	defer func() { _ = file.Close() }()

	text, err := io.ReadAll(io.LimitReader(file, maxSecretBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}

	return text, nil
}

func unreadable(path string, err error) *Problem {
	reason := "cannot be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		reason = "does not exist"
	case errors.Is(err, fs.ErrPermission):
		reason = "may not be read by this user"
	}

	return &Problem{
		Message: "file " + quote(path) + " " + reason,
		Fix:     "create it or correct the path (relative to the folder of this file)",
	}
}

// openToOthers warns of a secret that more than its owner can get at. Windows keeps permissions elsewhere.
func openToOthers(path string, info fs.FileInfo) *Problem {
	if runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return nil
	}

	return &Problem{
		Message: fmt.Sprintf("secret file %s is open to other users (mode %04o)", quote(path), info.Mode().Perm()),
		Fix:     "chmod 600 it, unless only this service can reach its folder",
	}
}

// trimNewline removes the one line end that editors and echo add; anything more is part of the secret.
func trimNewline(text string) string {
	if line, found := strings.CutSuffix(text, "\n"); found {
		return strings.TrimSuffix(line, "\r")
	}

	return text
}

func warnIfOpen(r *report, field, path string, info fs.FileInfo) {
	if warning := openToOthers(path, info); warning != nil {
		r.warn(field, warning.Message, warning.Fix)
	}
}
