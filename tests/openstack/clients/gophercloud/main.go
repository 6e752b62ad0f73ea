// Puts, fetches and shows images with gophercloud. Orders come as lines of JSON on standard input, answers go back on standard
// output, as for the drivers in Python.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
)

type order struct {
	Do              string            `json:"do"`
	Image           string            `json:"image"`
	Path            string            `json:"path"`
	Name            string            `json:"name"`
	DiskFormat      string            `json:"disk_format"`
	ContainerFormat string            `json:"container_format"`
	MinDisk         int               `json:"min_disk"`
	MinRAM          int               `json:"min_ram"`
	Visibility      string            `json:"visibility"`
	Properties      map[string]string `json:"properties"`
	Tags            []string          `json:"tags"`
}

func upload(ctx context.Context, client *gophercloud.ServiceClient, asked order) (any, error) {
	visibility := images.ImageVisibility(asked.Visibility)
	made, err := images.Create(ctx, client, images.CreateOpts{
		Name: asked.Name, DiskFormat: asked.DiskFormat, ContainerFormat: asked.ContainerFormat, MinDisk: asked.MinDisk,
		MinRAM: asked.MinRAM, Visibility: &visibility, Properties: asked.Properties, Tags: asked.Tags,
	}).Extract()
	if err != nil {
		return nil, err
	}
	file, err := os.Open(asked.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return map[string]string{"id": made.ID}, imagedata.Upload(ctx, client, made.ID, file).ExtractErr()
}

func download(ctx context.Context, client *gophercloud.ServiceClient, asked order) (any, error) {
	data, err := imagedata.Download(ctx, client, asked.Image).Extract()
	if err != nil {
		return nil, err
	}
	defer data.Close()
	file, err := os.Create(asked.Path)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(file, data); err != nil {
		return nil, err
	}
	return struct{}{}, file.Close()
}

func show(ctx context.Context, client *gophercloud.ServiceClient, asked order) (any, error) {
	found, err := images.Get(ctx, client, asked.Image).Extract()
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"name": found.Name, "status": found.Status, "size": found.SizeBytes, "checksum": found.Checksum,
		"disk_format": found.DiskFormat, "container_format": found.ContainerFormat, "min_disk": found.MinDiskGigabytes,
		"min_ram": found.MinRAMMegabytes, "tags": found.Tags, "properties": found.Properties,
	}, nil
}

func connect(ctx context.Context) (*gophercloud.ServiceClient, error) {
	options, err := openstack.AuthOptionsFromEnv()
	if err != nil {
		return nil, err
	}
	provider, err := openstack.AuthenticatedClient(ctx, options)
	if err != nil {
		return nil, err
	}
	return openstack.NewImageV2(provider, gophercloud.EndpointOpts{Region: os.Getenv("OS_REGION_NAME")})
}

func main() {
	ctx := context.Background()
	client, err := connect(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	verbs := map[string]func(context.Context, *gophercloud.ServiceClient, order) (any, error){
		"upload": upload, "download": download, "show": show,
	}
	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked order
		answer, err := any(nil), json.Unmarshal(lines.Bytes(), &asked)
		if err == nil {
			answer, err = verbs[asked.Do](ctx, client, asked)
		}
		if err != nil {
			answer = map[string]string{"error": err.Error()}
		}
		if err := answers.Encode(answer); err != nil {
			os.Exit(1)
		}
	}
}
