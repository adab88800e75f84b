// Package config reads sever.yaml into typed values, or says everything that is wrong with it at once.
//
// The invariant: a Config that Load returns is complete and consistent. Every default is filled in, every secret
// is resolved and not empty, and every relation between settings holds, so no other package checks them again.
//
// The struct tags are the single source of what is allowed. yaml names the key, doc describes it, and jsonschema
// holds its rules (required, default, enum, minimum, maximum). The decoder and the editor schema both read them.
//
// The package knows nothing of what the settings are used for, opens no connection and logs nothing.
package config

//go:generate go run ./schemagen ../../docs/sever.schema.json
