package config

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// readDocument parses text as exactly one YAML document and returns its root. A document that is empty, or only
// comments, is an empty mapping: then the required settings are reported as missing. It returns nil when there is
// nothing to decode.
func readDocument(text []byte, r *report) *yaml.Node {
	if !utf8.Valid(text) {
		r.addAt(1, "", "the file is not UTF-8 text", "save it as UTF-8")

		return nil
	}

	// Duplicate keys are ours to report, with both lines; the library would stop at the first.
	loader, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithUniqueKeys(false))
	if err != nil {
		r.addAt(1, "", "the YAML reader does not start", "report this as a bug")

		return nil
	}

	var document yaml.Node
	err = loader.Load(&document)
	if errors.Is(err, io.EOF) {
		return &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	}
	if err != nil {
		addSyntaxProblem(r, err)

		return nil
	}

	var second yaml.Node
	if err := loader.Load(&second); err == nil {
		r.addAt(second.Line, "", "a second YAML document starts here", "keep one document and remove the line ---")
	} else if !errors.Is(err, io.EOF) {
		addSyntaxProblem(r, err)
	}
	if len(document.Content) != 1 {
		return &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	}

	return document.Content[0]
}

// addSyntaxProblem reports the library's message where that is safe. Composer messages repeat text of the file,
// which may be a secret that someone wrote as a literal; they are always about aliases.
func addSyntaxProblem(r *report, err error) {
	line, message := 1, "the file is not valid YAML"
	fix := "check indentation, colons and quotes on this line and the one above"

	loadError, ok := errors.AsType[*yaml.LoadError](err)
	switch {
	case !ok:
	case loadError.Stage == yaml.ComposerStage:
		line = loadError.Mark.Line
		message, fix = aliasMessage, aliasFix
	default:
		line = loadError.Mark.Line
		message += ": " + loadError.Message
		if loadError.ContextMsg != "" {
			message += " " + loadError.ContextMsg
		}
	}

	r.addAt(max(1, line), "", message, fix)
}

const (
	aliasMessage = "YAML anchors, aliases and tags (& * !) are not accepted"
	aliasFix     = "write the value itself, in quotes if it starts with one of these characters"
)
