// Connects as gophercloud's users do, and prints who it is and what it found.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
)

type found struct {
	Project string   `json:"project"`
	User    string   `json:"user"`
	Roles   []string `json:"roles"`
	Image   string   `json:"image"`
	Images  int      `json:"images"`
}

func look(ctx context.Context) (*found, error) {
	options, err := openstack.AuthOptionsFromEnv()
	if err != nil {
		return nil, err
	}
	provider, err := openstack.AuthenticatedClient(ctx, options)
	if err != nil {
		return nil, err
	}
	identity, err := openstack.NewIdentityV3(provider, gophercloud.EndpointOpts{})
	if err != nil {
		return nil, err
	}
	token := tokens.Get(ctx, identity, provider.TokenID)
	user, err := token.ExtractUser()
	if err != nil {
		return nil, err
	}
	project, err := token.ExtractProject()
	if err != nil {
		return nil, err
	}
	roles, err := token.ExtractRoles()
	if err != nil {
		return nil, err
	}
	image, err := openstack.NewImageV2(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		return nil, err
	}
	pages, err := images.List(image, nil).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	all, err := images.ExtractImages(pages)
	if err != nil {
		return nil, err
	}
	result := &found{Project: project.ID, User: user.ID, Image: image.Endpoint, Images: len(all)}
	for _, role := range roles {
		result.Roles = append(result.Roles, role.Name)
	}
	return result, nil
}

func main() {
	result, err := look(context.Background())
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
