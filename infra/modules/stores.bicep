param location string
param tags object
param prefix string
param databaseName string
param workspaceId string

@description('Disabled, or Enabled for the addresses of operators alone.')
param publicNetworkAccess string
param operatorIpAddresses array

@description('The app, which works with all of them.')
param appPrincipalId string

@description('Whoever deploys: object id, name and kind in Entra.')
param operatorPrincipalId string
param operatorName string

@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param operatorType string

param rawRetentionDays int
param coolAfterDays int
param postgresName string
param postgresSize string
param postgresStorageGiB int
param postgresPooled bool
param backupRetentionDays int
param cosmosName string
param cosmosAutoscaleMaxThroughput int
param cosmosVectorDimensions int

@description('Whether an account for models is made, and what is deployed there.')
param withModels bool
param modelDeployments array

module network 'network.bicep' = {
  name: 'network'
  params: {
    location: location
    tags: tags
    name: '${prefix}-network'
    addressPrefix: '10.40.0.0/16'
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  params: {
    location: location
    tags: tags
    name: '${replace(prefix, '-', '')}data'
    workspaceId: workspaceId
    publicNetworkAccess: publicNetworkAccess
    operatorIpAddresses: operatorIpAddresses
    appPrincipalId: appPrincipalId
    operatorPrincipalId: operatorPrincipalId
    operatorType: operatorType
    rawRetentionDays: rawRetentionDays
    coolAfterDays: coolAfterDays
  }
}

module cosmos 'cosmos.bicep' = {
  name: 'cosmos'
  params: {
    location: location
    tags: tags
    name: cosmosName
    workspaceId: workspaceId
    databaseName: databaseName
    publicNetworkAccess: publicNetworkAccess
    operatorIpAddresses: operatorIpAddresses
    appPrincipalId: appPrincipalId
    autoscaleMaxThroughput: cosmosAutoscaleMaxThroughput
    vectorDimensions: cosmosVectorDimensions
  }
}

module postgres 'postgres.bicep' = {
  name: 'postgres'
  params: {
    location: location
    tags: tags
    name: postgresName
    workspaceId: workspaceId
    publicNetworkAccess: publicNetworkAccess
    operatorIpAddresses: operatorIpAddresses
    size: postgresSize
    storageGiB: postgresStorageGiB
    backupRetentionDays: backupRetentionDays
    pooled: postgresPooled
    administratorPrincipalId: operatorPrincipalId
    administratorName: operatorName
    administratorType: operatorType
  }
}

module keyVault 'keyvault.bicep' = {
  name: 'keyvault'
  params: {
    location: location
    tags: tags
    name: '${prefix}-keys'
    workspaceId: workspaceId
    publicNetworkAccess: publicNetworkAccess
    operatorIpAddresses: operatorIpAddresses
    appPrincipalId: appPrincipalId
    operatorPrincipalId: operatorPrincipalId
    operatorType: operatorType
  }
}

module openai 'openai.bicep' = if (withModels) {
  name: 'openai'
  params: {
    location: location
    tags: tags
    name: '${prefix}-openai'
    workspaceId: workspaceId
    publicNetworkAccess: publicNetworkAccess
    operatorIpAddresses: operatorIpAddresses
    appPrincipalId: appPrincipalId
    deployments: modelDeployments
  }
}

module endpoints 'endpoints.bicep' = {
  name: 'endpoints'
  params: {
    location: location
    tags: tags
    subnetId: network.outputs.endpointSubnetId
    storageId: storage.outputs.resourceId
    cosmosId: cosmos.outputs.resourceId
    postgresId: postgres.outputs.resourceId
    keyVaultId: keyVault.outputs.resourceId
    openaiId: withModels ? openai!.outputs.resourceId : ''
  }
}

output appSubnetId string = network.outputs.appSubnetId
output storageName string = storage.outputs.name
output blobServiceUri string = storage.outputs.blobServiceUri
output queueServiceUri string = storage.outputs.queueServiceUri
output deploymentContainerUri string = storage.outputs.deploymentContainerUri
output cosmosEndpoint string = cosmos.outputs.endpoint
output postgresHost string = postgres.outputs.host
output keyUri string = keyVault.outputs.keyUri
output modelEndpoint string = withModels ? openai!.outputs.endpoint : ''
