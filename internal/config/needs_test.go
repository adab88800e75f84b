package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const split = `
admin: {listen: 127.0.0.1:8081, token: env:ADMIN}
orgs:
  acme: {url: https://acme.okta.com, auth: {type: ssws, token: env:OKTA}}
sources:
  okta:
    type: okta_event_hook
    org: acme
    verify: {secrets: [env:HOOK, file:missing/old]}
`

func TestLoadReadsOnlyTheSecretsThatAreNeeded(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{"ADMIN": "a-secret", "OKTA": "o-secret", "HOOK": "h-secret"}
	for need, name := range map[Needs]string{AdminSecrets: "ADMIN", OktaSecrets: "OKTA"} {
		asked := map[string]bool{}
		config, err := parse("sever.yaml", []byte(split), func(variable string) (string, bool) {
			asked[variable] = true
			return secrets[variable], true
		}, need)
		require.NoError(t, err)
		require.Equal(t, map[string]bool{name: true}, asked)
		require.Equal(t, need == AdminSecrets, config.Admin.Token.Reveal() == "a-secret")
		require.Equal(t, need == OktaSecrets, config.Orgs["acme"].Auth.Token.Reveal() == "o-secret")
		require.Empty(t, config.Sources["okta"].Verify.Secrets[0].Reveal())
	}
	_, err := parse("sever.yaml", []byte(split), func(string) (string, bool) { return "x", true }, SenderSecrets)
	require.ErrorContains(t, err, "sources.okta.verify.secrets[1]", "the missing file matters to the one who needs it")
}

func TestASecretThatIsNotNeededMustStillBeAReference(t *testing.T) {
	t.Parallel()
	text := `
orgs:
  acme: {url: https://acme.okta.com, auth: {type: ssws, token: hunter2-literal}}
sources:
  okta: {type: okta_event_hook, org: acme, verify: {secrets: [env:HOOK]}}
`
	_, err := parse("sever.yaml", []byte(text), func(string) (string, bool) { return "x", true }, SenderSecrets)
	require.ErrorContains(t, err, "orgs.acme.auth.token: a secret is never written into this file")
	require.NotContains(t, err.Error(), "hunter2")
}
