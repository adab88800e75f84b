package app_test

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server" //nolint:depguard // a cluster is not part of Sever
	"github.com/stretchr/testify/require"

	"sever/internal/app"
	"sever/internal/config"
	"sever/revocation"
)

// Only who faces the senders has their secrets and asks for their keys. The others read
// what was verified.
func TestOnlyReceiversNeedWhatProvesSenders(t *testing.T) {
	t.Parallel()
	srv := natsServer(t, t.TempDir(), server.RANDOM_PORT)
	okta, keys, poll := newOkta(t), newTransmitter(t), newStream(t)
	sources := map[string]any{
		"hr": yamlMap{
			"type": "workday", "org": "acme", "verify": yamlMap{"secrets": []string{"env:HR_SECRET"}},
			"map": yamlMap{"person": yamlMap{"kind": "attribute", "attribute": "employeeNumber", "value": "employee_number"}},
		},
		"github": yamlMap{
			"type": "github", "org": "acme", "verify": yamlMap{"secrets": []string{"env:GITHUB_SECRET"}},
			"map": yamlMap{"person": yamlMap{"attribute": "githubLogin"}},
		},
		"pubsub": yamlMap{"type": "google_pubsub", "org": "acme", "verify": yamlMap{"jwt": yamlMap{
			"jwks": keys.jwks, "audience": []string{"https://sever.example.com/v1/hooks/google"},
			"claims": yamlMap{"email": "push@example.iam.gserviceaccount.com"},
		}}},
		"ssf": yamlMap{
			"type": "ssf", "org": "acme", "verify": keys.verify(transmitterIssuer), "ssf": yamlMap{"authorization": "env:PUSH_AUTHORIZATION"},
		},
		"polled": yamlMap{
			"type": "ssf", "org": "acme", "verify": poll.verify(transmitterIssuer),
			"ssf": yamlMap{"token": "env:POLL_TOKEN", "poll": yamlMap{"url": poll.url}},
		},
		"sns": yamlMap{
			"type": "aws_sns", "org": "acme", "verify": yamlMap{"sns": yamlMap{"topics": []string{topic}, "certificate": "env:SNS_CERT"}},
		},
	}
	process := func(roles app.Roles, env map[string]string, needs ...config.Needs) *rig {
		r := prepareRig(t, okta, settings{nats: "{url: \"" + srv.ClientURL() + "\", replicas: 1}", sources: sources})
		needs = append(needs, config.AdminSecrets, config.QueueSecrets)
		r.roles, r.needs = roles, needs
		r.env = func(name string) (string, bool) { value, set := env[name]; return value, set }
		r.start()
		return r
	}
	admin := map[string]string{"SEVER_ADMIN_TOKEN": adminToken}
	dispatch := process(app.Roles{Dispatch: true}, admin)
	work := process(app.Roles{Work: true}, map[string]string{"SEVER_ADMIN_TOKEN": adminToken, "OKTA_API_TOKEN": oktaToken}, config.OktaSecrets)
	work.hires("ACTIVE")
	work.knows(person(2), "bob@acme.example")
	work.knows(person(3), "cy@acme.example")
	require.Zero(t, keys.fetches.Load())
	require.Zero(t, poll.fetches.Load())

	receive := process(app.Roles{Receive: true}, map[string]string{
		"SEVER_ADMIN_TOKEN": adminToken, "HR_SECRET": "hr-secret-1", "GITHUB_SECRET": "github-secret-1",
		"PUSH_AUTHORIZATION": pushAuthorization, "POLL_TOKEN": pollToken, "SNS_CERT": certificate(t, keys.key),
	}, config.SenderSecrets)
	receive.says("hr", `{"event": "termination", "employee_number": "4711", "effective_date": null, "id": "1"}`)
	requireTaken(t, receive.push("ssf", sign(t, keys.key, nil, claims("jti-1", sessionRevoked, byEmail("bob@acme.example"), nil)), nil))
	poll.publish(t, about("cy@acme.example", "jti-2"))
	work.seen.await(t, audited(revocation.OutcomeRevoked), 3)
	require.Equal(t, map[string]int{person(1): 1, person(2): 1, person(3): 1}, deletes(okta.Calls()))
	require.EqualValues(t, 2, keys.fetches.Load(), "one for each source of the receiver that trusts them")
	require.EqualValues(t, 1, poll.fetches.Load())
	require.Len(t, dispatch.seen.find(step(revocation.StepEnqueued)), 3)
	require.Empty(t, receive.seen.find(step(revocation.StepEnqueued)))

	// A receiver without them does not start half-blind.
	blind := prepareRig(t, okta, settings{nats: "{url: \"" + srv.ClientURL() + "\", replicas: 1}", sources: sources})
	_, err := config.Load(blind.file, func(name string) (string, bool) { value, set := admin[name]; return value, set },
		config.SenderSecrets, config.AdminSecrets, config.QueueSecrets)
	for _, name := range []string{"HR_SECRET", "GITHUB_SECRET", "PUSH_AUTHORIZATION", "POLL_TOKEN", "SNS_CERT"} {
		require.ErrorContains(t, err, name)
	}
}
