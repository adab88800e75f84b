package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoticesTest(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		bodies <- string(body)
		if req.URL.Path == "/gone-hush" {
			w.WriteHeader(http.StatusGone)
		}
	}))
	t.Cleanup(server.Close)
	user := shell{env: map[string]string{"CHAT": server.URL + "/chat-hush", "GONE": server.URL + "/gone-hush"}} // and no other secret
	file := installation{more: "notices: {channels: {chat: {type: slack, url: env:CHAT}, old: {type: slack, url: env:GONE}}}"}.file(t)

	got := user.run(t, "notices", "test", "chat", "--config", file)
	require.Equal(t, result{exitDone, "chat: taken\n", ""}, got)
	require.JSONEq(t, `{"text": "Sever: this is a test; notices of this channel arrive"}`, <-bodies)

	got = user.run(t, "notices", "test", "--config", file)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, "chat: taken\n", got.out)
	require.Equal(t, "sever: notices.channels.old: the receiver answered with status 410\n", got.err)

	got = user.run(t, "notices", "test", "pager", "--config", file)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, `has no channel "pager"; it has chat, old`)

	got = user.run(t, "notices", "test", "--config", installation{}.file(t))
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.err, "notices.channels: missing")
}
