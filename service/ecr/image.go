package ecr

import (
	"context"
	"fmt"

	"github.com/brume-dev/brume/api/ecrapi"
	"github.com/brume-dev/brume/aws"
	"github.com/brume-dev/brume/store"
)

// DescribeImages returns the images of a repository: none, so an image that is asked for is not found.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
func (s *Service) DescribeImages(ctx context.Context, id aws.Identity, in *ecrapi.DescribeImagesRequest) (*ecrapi.DescribeImagesResponse, error) {
	return view(ctx, s, id, func(r store.Reader, k space) (*ecrapi.DescribeImagesResponse, error) {
		if _, err := find(r, k, in.RegistryId, in.RepositoryName); err != nil {
			return nil, err
		}
		for _, i := range in.ImageIds {
			return nil, &ecrapi.ImageNotFoundException{Message: fmt.Sprintf("The image with imageId {imageDigest:'%s', imageTag:'%s'} "+
				"does not exist within the repository with name '%s' in the registry with id '%s'",
				orNull(i.ImageDigest), orNull(i.ImageTag), in.RepositoryName, k.account)}
		}
		return &ecrapi.DescribeImagesResponse{ImageDetails: []ecrapi.ImageDetail{}}, nil
	})
}

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

// ListImages returns the tags and digests of a repository: none.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html
func (s *Service) ListImages(ctx context.Context, id aws.Identity, in *ecrapi.ListImagesRequest) (*ecrapi.ListImagesResponse, error) {
	return view(ctx, s, id, func(r store.Reader, k space) (*ecrapi.ListImagesResponse, error) {
		if _, err := find(r, k, in.RegistryId, in.RepositoryName); err != nil {
			return nil, err
		}
		return &ecrapi.ListImagesResponse{ImageIds: []ecrapi.ImageIdentifier{}}, nil
	})
}
