package config

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// alternatives are keys of which a section takes one: where the file gives one, the preset's other one is meant no more.
func alternatives(section string) [][]string {
	switch section {
	case "verify":
		return [][]string{{"header", "query", "path", "field"}, {"prefix", "list"}}
	case "verify.timestamp":
		return [][]string{{"header", "field", "body"}}
	case "verify.id":
		return [][]string{{"header", "body"}}
	default:
		return nil
	}
}

// withoutReplaced copies what lies under a section, without those keys to which the file gives an alternative.
func withoutReplaced(under, written *yaml.Node, at string) *yaml.Node {
	if under.Kind != yaml.MappingNode || written == nil || written.Kind != yaml.MappingNode {
		return under
	}
	kept := *under
	kept.Content = nil
	for i := 0; i+1 < len(under.Content); i += 2 {
		key, value := under.Content[i], under.Content[i+1]
		if replaced(key.Value, written, alternatives(at)) {
			continue
		}
		kept.Content = append(kept.Content, key, withoutReplaced(value, valueOf(written, key.Value), join(at, key.Value)))
	}

	return &kept
}

func replaced(key string, written *yaml.Node, groups [][]string) bool {
	for _, group := range groups {
		if !slices.Contains(group, key) {
			continue
		}
		for _, other := range group {
			if other != key && valueOf(written, other) != nil {
				return true
			}
		}
	}

	return false
}

func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}

	return nil
}
