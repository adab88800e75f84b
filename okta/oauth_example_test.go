package okta_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"

	"sever/okta"
	"sever/okta/oktasim"
)

// A service app signs in with its private key. In production OrgURL is the org and the key comes from okta.KeyFile.
func ExamplePrivateKeyJWT() {
	sim := oktasim.New(oktasim.Options{})
	defer sim.Close()
	server := httptest.NewServer(sim)
	defer server.Close()
	privateKey := registerApp(sim, "0oa1gjh63g214q0Hq0g4", "k1")

	auth, err := okta.PrivateKeyJWT(okta.OAuthConfig{
		OrgURL:   server.URL,
		ClientID: "0oa1gjh63g214q0Hq0g4",
		Keys:     []okta.Key{{ID: "k1", PEM: okta.KeyPEM(privateKey)}},
		Warn:     func(err error) { fmt.Println("warning:", err) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer auth.Close()
	client, err := okta.New(okta.Config{BaseURL: server.URL, Auth: auth})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.CloseIdleConnections()

	receipt, err := client.RevokeUserSessions(context.Background(), "00u2di94bAMSEPvAY1d6", okta.RevokeOptions{OAuthTokens: true})
	fmt.Println(receipt.Status, receipt.Attempts, err)
	// Output: 204 1 <nil>
}

// registerApp makes a key, registers its public half with an app in the simulated Okta and returns the private half.
func registerApp(sim *oktasim.Server, id, kid string) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	jwks, err := oktasim.JWKS(kid, key.Public())
	if err != nil {
		panic(err)
	}
	if err := sim.PutClient(oktasim.Client{ID: id, JWKS: jwks, Scopes: []string{"okta.users.manage", "okta.users.read"}, DPoPRequired: true}); err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}
