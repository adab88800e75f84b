package app

import (
	"fmt"
	"os"
	"strings"

	"sever/internal/config"
)

// keyFiles are the files that an org's credential is read from again and again.
func keyFiles(auth config.Auth) []string {
	var files []string
	for _, file := range []config.File{auth.Key, auth.NextKey} {
		if file != "" {
			files = append(files, string(file))
		}
	}
	return files
}

// CredentialStamp changes when a key file was replaced, so that a paused org is tried
// again at once.
func (o *org) CredentialStamp() string {
	var stamp strings.Builder
	for _, file := range o.keyFiles {
		if info, err := os.Stat(file); err == nil { // one that is missing will be another again
			fmt.Fprintf(&stamp, "%d/%d ", info.ModTime().UnixNano(), info.Size())
		}
	}
	return stamp.String()
}

// NoCall gives back what Ready let through for a job that needed no call.
func (o *org) NoCall() { o.client.NoCall() }
