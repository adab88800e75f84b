package app

import (
	"context"

	"sever/okta"
	"sever/policy"
)

// directory is what an org knows of people that may make them protected.
type directory struct {
	*org

	roles *lookups[string, []string]
}

var _ policy.Directory = (*directory)(nil)

func newDirectory(target *org) *directory {
	return &directory{org: target, roles: newLookups[string, []string](target.now)}
}

// AdminRolesOf gives the types of the admin roles that a user has in force, as they were within
// the last minute. That somebody has none is remembered too.
func (d *directory) AdminRolesOf(ctx context.Context, user string) ([]string, error) {
	if types, known := d.roles.get(user); known {
		return types, nil
	}
	id, err := okta.ParseUserID(user)
	if err != nil {
		return nil, invalid(err)
	}
	found, receipt, err := d.client.ListUserRoles(ctx, id)
	if err != nil {
		return nil, d.callError(err, receipt)
	}
	types := make([]string, 0, len(found))
	for _, role := range found {
		if role.InForce() {
			types = append(types, role.Type)
		}
	}
	d.roles.put(user, types)
	return types, nil
}
