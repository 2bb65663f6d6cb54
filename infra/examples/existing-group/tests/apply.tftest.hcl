mock_provider "huaweicloud" {}

variables {
  project_id               = "0123456789abcdef0123456789abcdef"
  scaling_configuration_id = "0b9a0b1c-6a0d-4b3f-8f43-5b0c4f6f5a07"
  vpc_id                   = "0b9a0b1c-6a0d-4b3f-8f43-5b0c4f6f5a01"
  subnet_id                = "0b9a0b1c-6a0d-4b3f-8f43-5b0c4f6f5a02"
  packages                 = "../../tests/packages"
}

run "it_applies" {}
