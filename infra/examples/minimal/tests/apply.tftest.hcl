mock_provider "huaweicloud" {}

variables {
  project_id       = "0123456789abcdef0123456789abcdef"
  scaling_group_id = "6ae6f0ee-1d6c-4a3b-9d3d-1c9e1d9b7c11"
  packages         = "../../tests/packages"
}

run "it_applies" {}
